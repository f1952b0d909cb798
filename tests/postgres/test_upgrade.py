"""zd upgrade: the lock policy, one runner, what is done already, and being killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from zero_downtime.config import Locks
from zero_downtime.errors import (
    AnotherRunner,
    DatabaseError,
    EnvironmentFailed,
    LockNotAcquired,
    RevisionFailed,
)
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project
from zero_downtime.report.upgrade import event_line
from zero_downtime.upgrade.events import (
    Event,
    LeftoverDropped,
    NotGranted,
    Skipped,
    Waiting,
    masked_query,
)
from zero_downtime.upgrade.runner import downgrade, upgrade

Make = Callable[..., Project]

QUICK = Locks(look_first_ms=50, timeout_ms=50, retry_ms=50, deadline_s=20)
SHOP = """
    op.execute("CREATE TABLE shop (id int PRIMARY KEY, name text)")
    op.execute("INSERT INTO shop SELECT i, 'shop ' || i FROM generate_series(1, 1000) AS i")
    """


def value(server: EmbeddedServer, database: str, query: str) -> Any:
    with server.connect(database) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


class Reader:
    """A session in a transaction that has read the table, until it is told to leave.

    That an event tells it, and no clock, lets the tests hold on a machine that is busy.
    """

    def __init__(self, server: EmbeddedServer, database: str) -> None:
        self._connection = psycopg.connect(server.url(database), application_name="slow report")
        self._connection.execute("SELECT count(*) FROM shop WHERE name <> 'secret'")
        self._timers: list[threading.Timer] = []

    def leave(self, after: float = 0) -> None:
        self._timers.append(threading.Timer(after, self._connection.close))
        self._timers[-1].start()

    def leaves_after(
        self, kind: type[Event], number: int = 1, seconds: float = 0
    ) -> tuple[list[Event], Callable[[Event], None]]:
        """The events told, and who is told them: the reader leaves after the so-manieth."""
        events = list[Event]()

        def told(event: Event) -> None:
            events.append(event)
            if isinstance(event, kind) and sum(isinstance(e, kind) for e in events) == number:
                self.leave(seconds)

        return events, told

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *raised: object) -> None:
        for timer in self._timers:
            timer.join()
        self._connection.close()


class Clients:
    """Sessions that read one row again and again, and remember their slowest read."""

    def __init__(self, url: str, number: int = 3) -> None:
        self.slowest = 0.0
        self.reads = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(url,)) for _ in range(number)]

    def _read(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not self._stop.is_set():
                begun = time.monotonic()
                connection.execute("SELECT name FROM shop WHERE id = 7").fetchone()
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self.reads += 1
                time.sleep(0.002)

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


# The lock policy


@pytest.mark.parametrize("alone", [True, False], ids=["autocommit", "transaction"])
def test_clients_do_not_wait_while_a_reader_is_in_the_way(
    server: EmbeddedServer, database: str, make_project: Make, alone: bool
) -> None:
    change = 'op.execute("ALTER TABLE shop ADD COLUMN city text")'
    if alone:
        change = f"with op.get_context().autocommit_block():\n    {change}"
    project, url = make_project(SHOP, change), server.url(database)
    upgrade(project, url, "r0")
    with Clients(url) as clients, Reader(server, database) as reader:
        events, told = reader.leaves_after(Waiting, seconds=1.5)
        result = upgrade(project, url, locks=QUICK, tell=told)
    assert clients.reads > 100
    assert clients.slowest < 1.0  # with Alembic's defaults it is 1.5 s and more
    (statement,) = result.revisions[0].statements
    assert statement.waited > 1.4
    # It looks before it asks.
    wait = next(event for event in events if isinstance(event, Waiting | NotGranted))
    assert isinstance(wait, Waiting) and 'application "slow report"' in str(wait.holders[0])


def test_a_refused_request_is_made_again(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(
        SHOP,
        """
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE shop ADD COLUMN city text")
        """,
    )
    url = server.url(database)
    upgrade(project, url, "r0")
    # No looking: then the request itself meets the reader.
    blind = Locks(look_first_ms=60_000, timeout_ms=50, retry_ms=50, deadline_s=20)
    with Reader(server, database) as reader:
        events, told = reader.leaves_after(NotGranted, 2)
        result = upgrade(project, url, locks=blind, tell=told)
    refusals = [event for event in events if isinstance(event, NotGranted)]
    assert len(refusals) >= 2
    assert "slow report" in str(refusals[0].holders[0])
    assert result.revisions[0].statements[0].requests == len(refusals) + 1


def test_a_deadlock_is_seen_and_given_way_to(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(
        SHOP + 'op.execute("CREATE TABLE other (id int)")',
        """
        op.execute("ALTER TABLE other ADD COLUMN a int")
        # Not foreseen, as above; by then the client has come to wait for other.
        op.get_bind().execute(sa.text("SELECT pg_sleep(0.5)"))
        op.execute("ALTER TABLE shop ADD COLUMN b int")
        """,
    )
    url = server.url(database)
    upgrade(project, url, "r0")
    holds, events = threading.Event(), list[Event]()

    def buy() -> None:
        with psycopg.connect(url, application_name="till") as connection:
            connection.execute("SELECT count(*) FROM shop")
            holds.set()
            with psycopg.connect(url, autocommit=True) as beside:
                locked = "SELECT 1 FROM pg_locks WHERE relation = %s::regclass AND granted"
                while not beside.execute(locked, ["other"]).fetchone():
                    time.sleep(0.01)
            connection.execute("SELECT count(*) FROM other")

    client = threading.Thread(target=buy)
    client.start()
    assert holds.wait(10)
    upgrade(project, url, locks=QUICK, tell=events.append)
    client.join(10)
    refused = next(event for event in events if isinstance(event, NotGranted))
    assert refused.deadlock and "ALTER TABLE shop" in refused.statement.sql
    assert [(each.application, each.waits_for_us) for each in refused.holders] == [("till", True)]
    assert "gave way  in a deadlock with backend" in (event_line(refused) or "")


def test_a_transaction_that_meets_a_lock_gives_up_what_it_holds(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(
        SHOP + 'op.execute("CREATE TABLE other (id int)")',
        """
        op.execute("ALTER TABLE other ADD COLUMN a int")
        op.execute("INSERT INTO other VALUES (1, 1)")
        # The policy can't foresee this one: the revision can't be rendered offline.
        op.get_bind().execute(sa.text("SELECT 1")).scalar()
        op.execute("ALTER TABLE shop ADD COLUMN b int")
        """,
    )
    url = server.url(database)
    upgrade(project, url, "r0")
    stalls: list[float] = []
    done = threading.Event()

    def look() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not done.is_set():
                begun = time.monotonic()
                connection.execute("SELECT count(*) FROM other")
                stalls.append(time.monotonic() - begun)
                time.sleep(0.002)

    thread = threading.Thread(target=look)
    with Reader(server, database) as reader:
        events, told = reader.leaves_after(NotGranted, seconds=1.5)
        thread.start()
        result = upgrade(project, url, locks=QUICK, tell=told)
        done.set()
        thread.join()
    assert any(isinstance(event, NotGranted) for event in events)
    assert max(stalls) < 1.0  # 1.5 s and more, were the lock kept until the reader has left
    assert [each.statement.sql.split()[0] for each in result.revisions[0].statements] == [
        "ALTER",
        "INSERT",
        "SELECT",
        "ALTER",
    ]
    assert value(server, database, "SELECT count(*) FROM other") == 1


def test_after_the_deadline_the_blocker_is_named_without_its_values(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(SHOP, "op.execute(\"ALTER TABLE shop ADD COLUMN c text DEFAULT 'x'\")")
    url = server.url(database)
    upgrade(project, url, "r0")
    hurried = Locks(look_first_ms=20, timeout_ms=20, retry_ms=20, deadline_s=0.6)
    with Reader(server, database), pytest.raises(LockNotAcquired) as caught:
        upgrade(project, url, locks=hurried)
    message = str(caught.value)
    assert message.startswith("Gave up after 1 s on: ALTER TABLE shop ADD COLUMN c text DEFAULT ?.")
    assert "It waited for backend " in message
    assert 'application "slow report", user postgres, idle in transaction for ' in message
    assert "SELECT count(*) FROM shop WHERE name <> ?" in message
    assert "secret" not in message
    assert value(server, database, "SELECT count(*) FROM alembic_version WHERE version_num='r0'")


def test_a_role_that_may_not_see_other_sessions_waits_for_them_all_the_same(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(SHOP, 'op.execute("ALTER TABLE shop ADD e int")')
    with server.connect(database) as connection:
        connection.execute("CREATE ROLE deployer LOGIN")
        connection.execute("GRANT ALL ON SCHEMA public TO deployer")
    url = server.url(database).replace("postgres@", "deployer@")
    try:
        upgrade(project, url, "r0")
        with Clients(server.url(database)) as clients, Reader(server, database) as reader:
            events, told = reader.leaves_after(Waiting, seconds=1.5)
            upgrade(project, url, locks=QUICK, tell=told)
        assert clients.slowest < 1.0
        (holder,) = next(event for event in events if isinstance(event, Waiting)).holders
        assert holder.seconds is None and holder.query is None
        assert str(holder).startswith("backend ")
    finally:
        with server.connect(database) as connection:
            connection.execute("DROP OWNED BY deployer CASCADE")
            connection.execute("DROP ROLE deployer")


def test_waiting_for_rows_is_no_reason_to_give_way(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(SHOP, 'op.execute("UPDATE shop SET name = upper(name) WHERE id = 7")')
    url, events = server.url(database), list[Event]()
    upgrade(project, url, "r0")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE shop SET name = 'mine' WHERE id = 7")
        timers = list[threading.Timer]()

        def told(event: Event) -> None:
            events.append(event)
            if isinstance(event, Waiting) and not timers:
                timers.append(threading.Timer(0.3, connection.rollback))
                timers[0].start()

        upgrade(project, url, locks=QUICK, tell=told)
        timers[0].join()
    assert not any(isinstance(event, NotGranted) for event in events)


def test_a_timeout_written_in_the_revision_does_not_undo_the_policy(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(
        SHOP,
        """
        op.execute("SET LOCAL lock_timeout = '1h'")
        op.execute("SET lock_timeout = '1h'")
        op.execute("ALTER TABLE shop ADD COLUMN d text")
        """,
    )
    url = server.url(database)
    upgrade(project, url, "r0")
    blind = Locks(look_first_ms=60_000, timeout_ms=50, retry_ms=20, deadline_s=0.5)
    with Reader(server, database), pytest.raises(LockNotAcquired):
        upgrade(project, url, locks=blind)


def test_a_concurrent_build_waits_as_long_as_it_takes(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(
        SHOP,
        """
        with op.get_context().autocommit_block():
            op.execute("SET statement_timeout = '300ms'")
            op.create_index("shop_name", "shop", ["name"], postgresql_concurrently=True)
            op.execute("SELECT set_config('zd.seen', current_setting('statement_timeout'), false)")
            op.execute("INSERT INTO shop VALUES (-1, current_setting('zd.seen'))")
        """,
    )
    url = server.url(database)
    upgrade(project, url, "r0")
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO shop VALUES (0, 'open')")  # the build waits for its end
        timer = threading.Timer(1.0, connection.commit)
        timer.start()
        upgrade(project, url, locks=Locks(deadline_s=0.3))
        timer.join()
    assert value(
        server, database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'shop_name'::regclass"
    )
    # The revision's own setting is back after the build.
    assert value(server, database, "SELECT name FROM shop WHERE id = -1") == "300ms"


# Who runs, and where


def test_a_second_runner_is_sent_away(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project, url = (
        make_project(SHOP, "op.execute('ALTER TABLE shop ADD x int')"),
        server.url(database),
    )
    upgrade(project, url, "r0")
    with Reader(server, database), contextlib.ExitStack() as stack:
        waiting = threading.Event()

        def told(event: Event) -> None:
            if isinstance(event, Waiting):
                waiting.set()

        def first() -> None:
            with contextlib.suppress(LockNotAcquired):
                upgrade(project, url, locks=Locks(deadline_s=3), tell=told)

        thread = threading.Thread(target=first)
        thread.start()
        stack.callback(thread.join)
        assert waiting.wait(10)
        with pytest.raises(AnotherRunner, match=r"Another zd is migrating .* \(backend \d+\)"):
            upgrade(project, url)


def test_a_server_that_refuses_is_one_sentence(make_project: Make) -> None:
    with pytest.raises(DatabaseError, match=r"u:\*\*\*@localhost:1/x: the server refuses"):
        upgrade(make_project(SHOP), "postgresql://u:secret@localhost:1/x")


def test_env_py_must_run_for_an_upgrade(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    with pytest.raises(EnvironmentFailed, match="no_such_app"):
        upgrade(make_project(SHOP, env="import no_such_app"), server.url(database))


def test_without_a_url_env_py_says_where(
    server: EmbeddedServer, database: str, make_project: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url(database))
    assert upgrade(make_project(SHOP)).after == ("r0",)


def test_an_upgrade_stops_before_a_contract_revision(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(
        SHOP,
        'op.execute("ALTER TABLE shop DROP COLUMN name")',
        "pass",
        more={0: "phase = 'expand'\n", 1: "phase = 'contract'\n"},
    )
    url = server.url(database)
    first = upgrade(project, url)
    assert (first.before, first.after) == ((), ("r0",))
    assert [each.id for each in first.held_back] == ["r1", "r2"]
    second = upgrade(project, url, "r2")
    assert second.revisions == () and len(second.held_back) == 2
    assert upgrade(project, url, contract=True).after == ("r2",)
    assert upgrade(project, url).revisions == ()


def test_downgrade_goes_one_step_back(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project, url = (
        make_project((SHOP, 'op.execute("DROP TABLE shop")'), "pass"),
        server.url(database),
    )
    upgrade(project, url)
    assert downgrade(project, url).after == ("r0",)
    assert downgrade(project, url).after == ()
    assert value(server, database, "SELECT to_regclass('shop')::text") is None


def test_an_empty_history_is_nothing_to_do(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    assert upgrade(make_project(), server.url(database)).revisions == ()


# What is done already

IN_PARTS = """
    op.execute("CREATE TABLE visit (id int, shop int)")
    op.execute("INSERT INTO visit VALUES (1, 1)")
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE shop ADD COLUMN visits int")
        op.execute("CREATE INDEX CONCURRENTLY shop_name ON shop (name)")
        op.execute("UPDATE shop SET visits = coalesce(visits, 0) WHERE visits IS NULL")
        op.execute("ALTER TABLE shop ADD CONSTRAINT known CHECK (visits IS NOT NULL) NOT VALID")
        op.execute("ALTER TABLE shop VALIDATE CONSTRAINT known")
    op.execute("CREATE TABLE last (id int)")
    op.execute("INSERT INTO last VALUES (1)")
    """
RIGHT = """
    SELECT (SELECT count(*) FROM visit) = 1 AND (SELECT count(*) FROM last) = 1
      AND (SELECT count(*) FROM shop WHERE visits = 0) = 1000
      AND (SELECT convalidated FROM pg_constraint WHERE conname = 'known')
      AND (SELECT indisvalid FROM pg_index WHERE indexrelid = 'shop_name'::regclass)
      AND (SELECT count(*) FROM pg_index WHERE NOT indisvalid) = 0
      AND (SELECT version_num FROM alembic_version) = 'r1'
    """


def test_an_invalid_leftover_is_dropped_before_the_build(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(
        SHOP,
        """
        with op.get_context().autocommit_block():
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS shop_name ON shop (name)")
        """,
    )
    url, events = server.url(database), list[Event]()
    upgrade(project, url, "r0")
    with server.connect(database) as connection:
        connection.execute("INSERT INTO shop VALUES (0, 'shop 7')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY shop_name ON shop (name)")
        connection.execute("DELETE FROM shop WHERE id = 0")
    result = upgrade(project, url, tell=events.append)
    assert result.leftovers == ("public.shop_name",)
    assert any(isinstance(event, LeftoverDropped) for event in events)
    assert value(
        server, database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'shop_name'::regclass"
    )


def test_an_interrupted_detach_is_finalized(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project = make_project(
        """
        op.execute("CREATE TABLE event (at int) PARTITION BY RANGE (at)")
        op.execute("CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (1) TO (2)")
        """,
        """
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE event DETACH PARTITION event_1 CONCURRENTLY")
        """,
    )
    url = server.url(database)
    upgrade(project, url, "r0")
    detach = "ALTER TABLE event DETACH PARTITION event_1 CONCURRENTLY"
    with psycopg.connect(url) as reader, server.connect(database) as connection:
        reader.execute("SELECT FROM event")
        connection.execute("SET statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(detach)
    pending = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending"
    assert value(server, database, pending) == 1
    assert upgrade(project, url).after == ("r1",)
    assert (
        value(
            server,
            database,
            "SELECT count(*) FROM pg_inherits WHERE inhrelid = 'event_1'::regclass",
        )
        == 0
    )


def test_what_the_catalog_shows_is_not_done_twice(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project, url = make_project(SHOP, IN_PARTS), server.url(database)
    upgrade(project, url, "r0")
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE visit (id int, shop int)")
        connection.execute("INSERT INTO visit VALUES (1, 1)")
        connection.execute("ALTER TABLE shop ADD COLUMN visits int")
    events: list[Event] = []
    result = upgrade(project, url, tell=events.append)
    assert [each.skipped for each in result.revisions[0].statements] == [
        *(True, True),  # the first transaction, INSERT included
        *(True, False, False, False, False),
        *(False, False),
    ]
    assert sum(isinstance(event, Skipped) for event in events) == 3
    assert value(server, database, RIGHT)


def test_a_failing_statement_says_where_and_can_be_mended(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project, url = make_project(SHOP, IN_PARTS), server.url(database)
    upgrade(project, url, "r0")
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE last (id int, other text)")
    with pytest.raises(RevisionFailed, match=r'r1\.py:14: .*relation "last" already exists'):
        upgrade(project, url)
    with server.connect(database) as connection:
        connection.execute("DROP TABLE last")
    upgrade(project, url)
    assert value(server, database, RIGHT)


# Being killed

KILLED = """
    import os, signal, sys
    from pathlib import Path
    from zero_downtime.config import Locks
    from zero_downtime.project import find_project
    from zero_downtime.upgrade.runner import upgrade

    left = int(sys.argv[3])

    def tell(event):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    upgrade(find_project(Path(sys.argv[1])), sys.argv[2], tell=tell)
    """


def run_and_die(
    project: Project, url: str, events: int, wait: bool = True
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(project.ini), url, str(events)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    if wait:
        _, said = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, said
    return process


# RevisionBegins, then StatementBegins and StatementEnds of each of nine statements, RevisionEnds.
@pytest.mark.parametrize("events", [1, 4, 5, 7, 8, 10, 12, 14, 15, 18, 19])
def test_a_killed_upgrade_is_simply_run_again(
    server: EmbeddedServer, database: str, make_project: Make, events: int
) -> None:
    project, url = make_project(SHOP, IN_PARTS), server.url(database)
    upgrade(project, url, "r0")
    run_and_die(project, url, events)
    upgrade(project, url)
    assert value(server, database, RIGHT)


def test_killed_in_the_middle_of_a_concurrent_build(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    index = 'op.execute("CREATE INDEX CONCURRENTLY shop_name ON shop (name)")'
    project = make_project(SHOP, f"with op.get_context().autocommit_block():\n    {index}")
    url = server.url(database)
    upgrade(project, url, "r0")
    with psycopg.connect(url) as writer:
        writer.execute("INSERT INTO shop VALUES (5000, 'open')")  # the build waits for its end
        writer.execute("DELETE FROM shop WHERE id = 5000")
        process = run_and_die(project, url, 1_000, wait=False)
        building = "SELECT count(*) FROM pg_stat_progress_create_index"
        deadline = time.monotonic() + 60
        while not value(server, database, building) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.communicate()
        assert value(
            server,
            database,
            "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'shop_name'::regclass",
        )
        writer.commit()
    # At once: the server may still be building for the client that is gone.
    upgrade(project, url)
    assert value(
        server,
        database,
        "SELECT array_agg(indisvalid) FROM pg_index WHERE indrelid = 'shop'::regclass",
    ) == [True, True]
    assert value(server, database, "SELECT version_num FROM alembic_version") == "r1"


def test_plain_alembic_runs_on_the_same_project_and_database(
    server: EmbeddedServer, database: str, make_project: Make
) -> None:
    project, url = make_project(SHOP, IN_PARTS), server.url(database)
    upgrade(project, url, "r0")
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=project.root,
        env={**os.environ, "DATABASE_URL": url.replace("postgresql:", "postgresql+psycopg:")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert value(server, database, RIGHT)
    assert upgrade(project, url).revisions == ()


def test_queries_are_shown_without_their_values() -> None:
    assert masked_query("SELECT 'it''s', 17, $$a 'b'$$, c1\n FROM t WHERE x = 'cut off") == (
        "SELECT ?, ?, ?, c1 FROM t WHERE x = ?"
    )
    assert masked_query("<insufficient privilege>") is None
    assert len(str(masked_query("x" * 500))) == 122
