"""SQL files as units: found in folders, paired, cut into sections, with what can't be followed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import structs

from zero_downtime.errors import InputError
from zero_downtime.lint.finding import Note
from zero_downtime.lint.layouts import Migration, arranged
from zero_downtime.lint.sections import Section, sections
from zero_downtime.lint.suppressions import Suppression, suppressions_in
from zero_downtime.lint.texts import Read, Text, read
from zero_downtime.lint.unit import Unit
from zero_downtime.sql.placeholders import filled, has_placeholders
from zero_downtime.sql.script import Script, place_in, read_script
from zero_downtime.sql.statement import Direction, Location, Statement
from zero_downtime.sql.tree import NotParsed, parse

# What makes a tool run a file without a transaction, which else has one.
_NOT_TRANSACTIONAL = re.compile(
    r"\b(?:concurrently|vacuum|alter\s+system|add\s+value"
    r"|(?:create|drop)\s+(?:database|tablespace|subscription)|reindex)\b",
    re.IGNORECASE,
)
_PSQL = re.compile(
    r"^[ \t]*\\(?P<include>i|ir|include|include_relative)[ \t]+(?P<file>\S+)|\\gexec\b",
    re.MULTILINE,
)


def sql_histories(
    paths: Iterable[Path],
    stdin: Text | None = None,
    in_transaction: bool = False,
    read: Read = read,
) -> list[list[Unit]]:
    """The SQL files named or found in folders, those of one folder as a history in name order.

    Raises InputError.
    """
    files = [file for path in paths for file in _sql_files(path)]
    histories = [
        [_unit(migration, in_transaction, read) for migration in history]
        for history in arranged(files)
    ]
    return histories + _standard_input(stdin, in_transaction)


def files_alone(
    paths: Iterable[Path],
    stdin: Text | None = None,
    in_transaction: bool = False,
    read: Read = read,
) -> list[list[Unit]]:
    """Each SQL file for itself, in the order of the histories. Raises InputError."""
    files = [file for path in paths for file in _sql_files(path)]
    asked = [file for history in arranged(files) for each in history for file in each.asked]
    histories = [[_unit(Migration(file, None, (file,)), in_transaction, read)] for file in asked]
    return histories + _standard_input(stdin, in_transaction)


def _standard_input(stdin: Text | None, in_transaction: bool) -> list[list[Unit]]:
    return [[_Reader("-", stdin, in_transaction).unit()]] if stdin is not None else []


def _sql_files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(each for each in path.rglob("*.sql") if each.is_file())
        if not found:
            raise InputError(
                where=path, reason="holds no .sql file", advice="Name the folder of the migrations"
            )
        yield from found
    elif path.exists():
        yield path
    else:
        reason = "is a link to nothing" if path.is_symlink() else "there is no such file"
        raise InputError(where=path, reason=reason, advice="Check the path")


def _unit(migration: Migration, in_transaction: bool, read: Read) -> Unit:
    """The unit of a file, with the file that undoes it."""
    assert migration.up or migration.down
    parts: list[Unit] = []
    for path, direction in ((migration.up, "upgrade"), (migration.down, "downgrade")):
        if path is not None:
            reader = _Reader(
                str(path), read(path), in_transaction, migration.in_transaction_if_possible
            )
            part = reader.unit()
            if direction == "downgrade":
                part = _undoing(part)
            parts.append(part)
    if len(parts) == 1:
        return parts[0]
    up, down = parts
    return Unit(
        up.file,
        up.upgrade,
        (*up.downgrade, *down.downgrade),
        (*up.suppressions, *down.suppressions),
        notes=(*up.notes, *down.notes),
        filled=up.filled or down.filled,
        unread=up.unread + down.unread,
        also=(down.file,),
        only=str(migration.asked[0]) if len(migration.asked) == 1 else None,
    )


def _undoing(unit: Unit) -> Unit:
    """A file of which all statements undo another's."""
    statements = tuple(
        structs.replace(each, direction="downgrade") for each in (*unit.upgrade, *unit.downgrade)
    )
    return structs.replace(unit, upgrade=(), downgrade=statements)


class _Reader:
    """Reads the text of one file into a unit."""

    def __init__(
        self, file: str, source: Text, in_transaction: bool, if_possible: bool = False
    ) -> None:
        self._file = file
        self._source = source
        self._in_transaction = in_transaction
        self._has_filled = False
        self._unread: list[Note] = []
        if if_possible and not _NOT_TRANSACTIONAL.search(source.text):
            self._in_transaction = True

    def unit(self) -> Unit:
        found: dict[Direction, list[Statement]] = {"upgrade": [], "downgrade": []}
        suppressions: list[Suppression] = []
        templated = has_placeholders(self._source.text)
        for section in sections(self._source.text):
            script = self._script(section)
            suppressions += suppressions_in(script)
            read: Sequence[Statement] = script.statements
            if templated:
                read = list(self._filled(read))
            statements = found[section.direction]
            statements += _behind(statements, read, section.direction)
        return Unit(
            self._file,
            tuple(found["upgrade"]),
            tuple(found["downgrade"]),
            tuple(suppressions),
            notes=(*self._notes(), *self._unread),
            filled=self._has_filled,
            unread=len(self._unread),
        )

    def _filled(self, statements: Iterable[Statement]) -> Iterator[Statement]:
        """The statements with names for the placeholders that keep them from being parsed."""
        for statement in statements:
            sql = filled(statement.sql) if has_placeholders(statement.sql) else None
            if sql is None or _parses(statement.sql):
                yield statement
            elif _parses(sql):
                self._has_filled = True
                yield _trimmed(structs.replace(statement, sql=sql))
            else:
                said = "a statement that is only whole when its template is filled in"
                self._unread.append(Note(said, statement.location, "placeholder"))

    def _script(self, section: Section) -> Script:
        inside = section.in_transaction
        return read_script(
            self._source.text[section.start : section.end],
            self._file,
            self._in_transaction if inside is None else inside,
            section.first_line,
        )

    def _notes(self) -> Iterator[Note]:
        if self._source.note:
            yield Note(self._source.note, Location(self._file), "")
        if self._has_filled:
            yield Note("its placeholders are taken for names", Location(self._file), "")
        text = self._source.text
        if "\\" not in text:
            return
        for found in _PSQL.finditer(text):
            line = text.count("\n", 0, found.start("include")) + 1
            said = "what \\gexec runs"
            if found["include"]:
                said = f"what \\{found['include']} {found['file']} includes: name that file too"
            else:
                line = text.count("\n", 0, found.start()) + 1
            yield Note(said, Location(self._file, line), "psql command")


def _trimmed(statement: Statement) -> Statement:
    """Without the space that is left of a template's blocks at its ends."""
    sql = statement.sql.strip()
    if sql == statement.sql:
        return statement
    first = len(statement.sql) - len(statement.sql.lstrip())
    start = place_in(statement, first)
    end = place_in(statement, first + len(sql))
    place = structs.replace(start, end_line=end.line, end_column=end.column)
    return structs.replace(statement, sql=sql, location=place)


def _parses(sql: str) -> bool:
    try:
        parse(sql)
    except NotParsed:
        return False
    return True


def _behind(
    before: Sequence[Statement], statements: Sequence[Statement], direction: Direction
) -> Iterator[Statement]:
    """The statements of another section: their transactions are others than those before."""
    last = max((each.transaction or 0 for each in before), default=0)
    if not last and direction == "upgrade":
        yield from statements
        return
    for each in statements:
        number = each.transaction
        yield structs.replace(
            each, direction=direction, transaction=None if number is None else number + last
        )
