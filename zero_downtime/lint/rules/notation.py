"""Rules about the text itself: what can't be parsed, and comments that silence rules."""

from __future__ import annotations

from collections.abc import Container, Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.suppressions import Suppression
from zero_downtime.sql.statement import Location, Statement


class _Notation(Rule):
    """A rule that the engine applies itself."""

    def check(self, here: Here) -> Iterator[Finding]:
        yield from ()


class SqlSyntaxError(_Notation):
    """A statement that PostgreSQL's grammar refuses."""

    why = (
        "The migration would stop here, with all before it applied or rolled back. The rest of the"
        " file is still looked at, but without what this statement would have changed."
    )
    safe = "Mend the statement. The grammar is that of PostgreSQL 18."
    bad = "ALTER TABLE orders ADD COLUM gift boolean;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"

    @classmethod
    def at(cls, statement: Statement, place: Location, reason: str) -> Finding:
        return Finding(
            cls.name(),
            cls.severity,
            f"PostgreSQL can't parse this: {reason}.",
            "Mend the statement. If it is newer than PostgreSQL 18: its grammar is not known here.",
            place,
            statement.sql,
            statement.revision,
            statement.direction,
        )


class SuppressionWithoutReason(_Notation):
    """A comment that silences a rule and does not say why."""

    why = (
        "Whoever reads the migration later has to know why the danger was accepted: a small table,"
        " a maintenance window. Without a reason the comment silences nothing."
    )
    safe = "Write the reason behind the bracket: -- zd: ignore[rule] reason"
    bad = "-- zd: ignore[index-not-concurrent]\nCREATE TABLE boxes (id int);"
    good = (
        "SET lock_timeout = '2s';\n"
        "-- zd: ignore[index-not-concurrent] forty rows, and only the admin page reads them\n"
        "CREATE INDEX ON cache (body);"
    )

    @classmethod
    def at(cls, suppression: Suppression, revision: str | None) -> Finding:
        names = ", ".join(suppression.rules)
        return Finding(
            cls.name(),
            cls.severity,
            f"This comment gives no reason for ignoring {names}, so it silences nothing.",
            f"zd: ignore[{names}] why it is safe here",
            suppression.location,
            "",
            revision,
        )


class UnusedSuppression(_Notation):
    """A comment that silences a rule which finds nothing there."""

    severity = "warning"
    why = (
        "The statement changed, or the rule's id is misspelt. A comment that is left behind would"
        " one day silence something that nobody meant."
    )
    safe = "Remove the comment."
    bad = "-- zd: ignore[drop-table] nobody reads it\nCREATE TABLE boxes (id int);"
    good = (
        "SET lock_timeout = '2s';\n"
        "-- zd: ignore[drop-table] nobody reads it: no query since March in pg_stat_statements\n"
        "DROP TABLE scratch_notes;"
    )

    @classmethod
    def at(cls, suppression: Suppression, revision: str | None, known: Container[str]) -> Finding:
        unknown = [name for name in suppression.rules if name not in known]
        names = ", ".join(suppression.rules)
        message = (
            f"There is no rule {' or '.join(unknown)}."
            if unknown
            else f"Nothing is found here that ignoring {names} would silence."
        )
        return Finding(
            cls.name(),
            cls.severity,
            message,
            "Correct the id: zd explain lists them." if unknown else "Remove the comment.",
            suppression.location,
            "",
            revision,
        )


class MalformedSuppression(_Notation):
    """A comment that is meant to silence a rule and can't be understood."""

    why = (
        "It names no rule, or its date is none. Taken for an ordinary comment it would silence"
        " nothing, and nobody would know why."
    )
    safe = "Write -- zd: ignore[rule] reason, or -- zd: ignore[rule, until=2027-03-01] reason."
    bad = "-- zd: ignore[drop-table, until=spring] nobody reads it\nCREATE TABLE boxes (id int);"
    good = (
        "SET lock_timeout = '2s';\n"
        "-- zd: ignore[drop-table, until=2999-01-01] nobody reads it\n"
        "DROP TABLE scratch_notes;"
    )

    @classmethod
    def at(cls, suppression: Suppression, revision: str | None) -> Finding:
        return Finding(
            cls.name(),
            cls.severity,
            f"This comment silences nothing: {suppression.problem}.",
            "zd: ignore[rule] reason, or zd: ignore[rule, until=2027-03-01] reason",
            suppression.location,
            "",
            revision,
        )


class SuppressionExpired(_Notation):
    """A comment that silenced a rule until a day that is over."""

    severity = "warning"
    why = (
        "The danger was accepted for a time. That time is over, so the comment silences nothing any"
        " more: what it silenced shows again."
    )
    safe = "Take the safe way now, or give the comment another date and a reason for it."
    bad = (
        "-- zd: ignore[drop-table, until=2020-01-31] until the old release is gone\n"
        "CREATE TABLE boxes (id int);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "-- zd: ignore[drop-table, until=2999-01-31] until the old release is gone\n"
        "DROP TABLE scratch_notes;"
    )

    @classmethod
    def at(cls, suppression: Suppression, revision: str | None) -> Finding:
        return Finding(
            cls.name(),
            cls.severity,
            f"This comment counted until {suppression.until}: it silences nothing any more.",
            "Take the safe way now, or give the comment another date.",
            suppression.location,
            "",
            revision,
        )
