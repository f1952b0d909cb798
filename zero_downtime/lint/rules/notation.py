"""Rules about the text itself: what can't be parsed, and comments that silence rules."""

from __future__ import annotations

from collections.abc import Container, Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.suppressions import Suppression
from zero_downtime.sql.statement import Location, Statement
from zero_downtime.sql.tree import Node, fields_of


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


class NewerThanServer(Rule):
    """A statement that the server's major version does not know yet."""

    on = (
        *("AT_AddColumn", "AT_AddConstraint", "AT_AlterConstraint", "AT_SetExpression"),
        *("AT_SetAccessMethod", "CreateStmt", "IndexStmt", "MergeStmt", "CreatePublicationStmt"),
    )
    majors = (14, 17)
    why = (
        "The text is parsed with the grammar of PostgreSQL 18. An older server stops at it with a"
        " syntax error, with all before it applied or rolled back."
    )
    safe = "What that server knows; or another major version in the settings, if it is wrong there."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN double int GENERATED ALWAYS AS (amount * 2) VIRTUAL;"
    )
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN double int;"

    def check(self, here: Here) -> Iterator[Finding]:
        newest = max(_newer(here.kind, here.node), default=(0, ""))
        if newest[0] > here.major:
            since, what = newest
            yield self.found(
                here,
                f"PostgreSQL {here.major} stops here with a syntax error: {what} is there from"
                f" {since} on.",
                "Write it in another way, or set the major version of the server that is meant.",
            )


def _newer(kind: str, node: Node) -> Iterator[tuple[int, str]]:
    """What a statement needs a server later than 14 for, with the first major that has it."""
    if kind == "MergeStmt":
        yield 15, "MERGE"
        kinds = {fields_of(item).get("matchKind") for item in node["mergeWhenClauses"]}
        if "returningClause" in node or "MERGE_WHEN_NOT_MATCHED_BY_SOURCE" in kinds:
            yield 17, "MERGE with RETURNING or BY SOURCE"
    for item in node.get("pubobjects", ()):
        table = fields_of(item).get("pubtable", {})
        if "SCHEMA" in fields_of(item)["pubobjtype"] or {"whereClause", "columns"} & table.keys():
            yield 15, "a publication of schemas, columns or some rows"
    if node.get("nulls_not_distinct"):
        yield 15, "NULLS NOT DISTINCT"
    elements = [*node.get("tableElts", ())] if kind == "CreateStmt" else []
    for command in map(fields_of, node.get("cmds", ())):
        subtype = command["subtype"]
        if subtype in ("AT_AddColumn", "AT_AddConstraint"):
            elements.append(command["def"])
        elif subtype == "AT_SetExpression":
            yield 17, "SET EXPRESSION"
        elif subtype == "AT_SetAccessMethod":
            yield 15, "SET ACCESS METHOD"
        elif subtype == "AT_AlterConstraint":
            change = fields_of(command["def"])
            if change.get("alterEnforceability") or change.get("alterInheritability"):
                yield 18, "ALTER CONSTRAINT with ENFORCED or INHERIT"
    for element in elements:
        fields = fields_of(element)
        if fields.get("contype") == "CONSTR_NOTNULL":
            yield 18, "NOT NULL as a constraint of the table"
        for constraint in (fields, *map(fields_of, fields.get("constraints", ()))):
            yield from _newer_constraint(constraint)


def _newer_constraint(constraint: Node) -> Iterator[tuple[int, str]]:
    kind = constraint.get("contype")
    if kind == "CONSTR_GENERATED" and constraint.get("generated_kind") == "v":
        yield 18, "a VIRTUAL generated column"
    enforced = kind not in ("CONSTR_CHECK", "CONSTR_FOREIGN") or constraint.get("is_enforced")
    if not enforced or kind == "CONSTR_ATTR_NOT_ENFORCED":
        yield 18, "NOT ENFORCED"
    if constraint.get("without_overlaps") or constraint.get("fk_with_period"):
        yield 18, "a key WITHOUT OVERLAPS or with PERIOD"
    if constraint.get("nulls_not_distinct"):
        yield 15, "NULLS NOT DISTINCT"
    if constraint.get("fk_del_set_cols"):
        yield 15, "ON DELETE SET NULL or DEFAULT of some columns"
