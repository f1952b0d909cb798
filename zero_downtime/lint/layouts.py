"""Which SQL files form one history, in which order, and which of them undo another.

Known are files with a number or a time in their name, pairs (``x.up.sql`` and ``x.down.sql``,
``x.undo.sql``, Flyway's ``V2__x.sql`` and ``U2__x.sql``, folders ``up`` and ``down``, Sqitch's
``deploy`` and ``revert``) and a folder for each migration (Prisma, diesel, Hasura).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

_DAY, _INSTANT = len("20260131"), len("20260131235959999999")
_DIGITS = re.compile(r"([0-9]+)")
_UP = re.compile(r"(?P<stem>.*)(?P<mark>[._-]up|\.do)\.sql", re.IGNORECASE)
_DOWN = re.compile(
    r"(?P<stem>.*)(?P<mark>[._-]down|[.](?:undo|rollback|revert))\.sql", re.IGNORECASE
)
_FLYWAY = re.compile(r"(?P<kind>[VUB])(?P<version>\d+(?:[._]\d+)*)__.*\.sql")
_REPEATABLE = re.compile(r"R__.*\.sql")
_PRISMA = re.compile(r"\d{14}_.*")
# A folder for each migration: its name orders, the file's name only says the direction.
_IN_FOLDER = {"up.sql": "up", "down.sql": "down", "migration.sql": "up"}
# What the name of a file looks like that undoes another.
_UNDOES = re.compile(r"^U\d|(?:^|[._-])(?:down|undo|rollback|revert)\.sql$", re.IGNORECASE)
_FOLDERS = {"down": "up", "revert": "deploy", "rollback": "deploy", "undo": "do"}
_PAIRED = frozenset((*_FOLDERS, *_FOLDERS.values()))


class Migration(Struct, frozen=True):
    """The file that a tool runs, and the one that undoes it; one of them may be missing.

    ``asked`` are those of the two that were named or found where they were looked for.
    """

    up: Path | None
    down: Path | None
    asked: tuple[Path, ...]

    @property
    def in_transaction_if_possible(self) -> bool:
        """Whether the tool runs a file in one transaction unless something in it can't."""
        file = self.up or self.down or Path()
        if file.name == "migration.sql" and _PRISMA.fullmatch(file.parent.name):
            return True  # it sends the whole text at once, which the server takes for one
        return bool(_FLYWAY.fullmatch(file.name) or _REPEATABLE.fullmatch(file.name))


def arranged(files: Iterable[Path]) -> list[list[Migration]]:
    """The files as histories, each in the order in which it is applied.

    A file that undoes another goes with it, even if only one of the two was asked for.
    """
    asked = dict.fromkeys(files)
    disk = _Disk(asked)
    histories: dict[tuple[Path, str], dict[Path, Migration]] = {}
    for file in asked:
        up, down = _pair(file, disk)
        key = up or down or file
        history = histories.setdefault(_history_of(key), {})
        history[key] = Migration(up, down, tuple(each for each in (up, down) if each in asked))
    return [[history[key] for key in sorted(history, key=_order)] for history in histories.values()]


def natural(name: str) -> tuple[object, ...]:
    """A key that sorts names as people count: 9_a before 10_a, otherwise by character.

    A day is before each of its minutes, and a longer number is no later day.
    """
    counted: list[tuple[str, int]] = []
    for part in _DIGITS.split(name):
        if part.isdecimal():
            is_day = len(part) >= _DAY and part[:2] in ("19", "20")
            counted.append(("0", int(part.ljust(_INSTANT, "0") if is_day else part)))
        else:
            counted += [(character, -1) for character in part]
    return (counted, name)


def _order(file: Path) -> tuple[object, ...]:
    """Flyway's versions count as numbers, its repeatable files come last."""
    name = file.parent.name if file.name.lower() in _IN_FOLDER else file.name
    if _REPEATABLE.fullmatch(name):
        return (1, (), natural(name))
    flyway = _FLYWAY.fullmatch(name)
    if flyway:
        return (0, tuple(map(int, re.split("[._]", flyway["version"]))), natural(name))
    return (0, (), natural(name))


def _history_of(file: Path) -> tuple[Path, str]:
    """What the files of one history have in common."""
    if file.name.lower() in _IN_FOLDER:
        return file.parent.parent, "folders"
    flyway = _FLYWAY.fullmatch(file.name)
    # Flyway's baseline takes the place of all that came before it.
    return file.parent, "baseline" if flyway and flyway["kind"] == "B" else "files"


class _Disk:
    """The names in folders, each folder read once."""

    def __init__(self, asked: Iterable[Path]) -> None:
        self._names: dict[Path, set[str]] = {}
        self._pairs: dict[Path, bool] = {}
        for file in asked:
            self._names.setdefault(file.parent, set()).add(file.name)
        for folder, names in self._names.items():
            with suppress(OSError):
                names.update(os.listdir(folder))

    def first(self, *files: Path) -> Path | None:
        """The first of these files that there is."""
        return next((file for file in files if file.name in self.names(file.parent)), None)

    def may_have_pairs(self, folder: Path) -> bool:
        """Whether a look at its single files is worth while."""
        known = self._pairs.get(folder)
        if known is None:
            named = folder.name.lower() in _PAIRED
            known = named or any(map(_UNDOES.search, self.names(folder)))
            self._pairs[folder] = known
        return known

    def names(self, folder: Path) -> set[str]:
        if folder not in self._names:
            self._names[folder] = set()
            with suppress(OSError):
                self._names[folder].update(os.listdir(folder))
        return self._names[folder]


def _pair(file: Path, disk: _Disk) -> tuple[Path | None, Path | None]:
    """The file that applies and the one that undoes; a missing one is None."""
    if not disk.may_have_pairs(file.parent):
        return file, None
    name = file.name.lower()
    if name in _IN_FOLDER:
        if _IN_FOLDER[name] == "up":
            return file, disk.first(file.with_name("down.sql"))
        return disk.first(file.with_name("up.sql"), file.with_name("migration.sql")), file
    flyway = _FLYWAY.fullmatch(file.name)
    if flyway and flyway["kind"] in "VU":
        other = "U" if flyway["kind"] == "V" else "V"
        beginning = f"{other}{flyway['version']}__"
        beside = sorted(n for n in disk.names(file.parent) if n.startswith(beginning))
        found = file.with_name(beside[0]) if beside else None
        return (file, found) if other == "U" else (found, file)
    folder = file.parent.name.lower()
    for down_folder, up_folder in _FOLDERS.items():
        if folder == down_folder:
            up = disk.first(file.parent.with_name(up_folder) / file.name)
            if up is not None:
                return up, file
        elif folder == up_folder:
            down = disk.first(file.parent.with_name(down_folder) / file.name)
            if down is not None:
                return file, down
    return _pair_by_ending(file, disk)


def _pair_by_ending(file: Path, disk: _Disk) -> tuple[Path | None, Path | None]:
    down = _DOWN.fullmatch(file.name)
    if down:
        sign = down["mark"][0]
        names = [f"{down['stem']}{sign}up.sql"]
        if sign == ".":
            names += [f"{down['stem']}.do.sql", f"{down['stem']}.sql"]
        up = disk.first(*(file.with_name(name) for name in names))
        # x_down.sql without an x_up.sql may be about anything that goes down.
        return (up, file) if up is not None or sign == "." else (file, None)
    found = _UP.fullmatch(file.name)
    if found:
        stem, sign = found["stem"], found["mark"][0]
        names = [f"{stem}{sign}down.sql"]
    else:
        stem, sign = file.name.removesuffix(".sql"), "."
        names = [f"{stem}.down.sql"]
    if sign == ".":
        names += [f"{stem}.{word}.sql" for word in ("undo", "rollback", "revert")]
    return file, disk.first(*(file.with_name(name) for name in names))
