"""Constraints that fail, check nothing, or check something else every time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, Seen, repeated
from zero_downtime.lint.words import short
from zero_downtime.sql.apply_constraints import constraint_columns
from zero_downtime.sql.lexer import tokens
from zero_downtime.sql.tree import Node, fields_of, functions_in


def _constraints(node: Node) -> Iterator[Node]:
    """Every Constraint node of a CREATE TABLE or ALTER TABLE, those of columns too."""
    elements = [*node.get("tableElts", ())]
    elements += [fields_of(command)["def"] for command in _adding(node)]
    for element in elements:
        fields = fields_of(element)
        if "contype" in fields:
            yield fields
        yield from map(fields_of, fields.get("constraints", ()))


def _adding(node: Node) -> list[Node]:
    subtypes = ("AT_AddColumn", "AT_AddConstraint")
    return [c for c in node.get("cmds", ()) if fields_of(c)["subtype"] in subtypes]


class VolatileCheck(Rule):
    """A CHECK calls a volatile function."""

    severity = "warning"
    on = ("AT_AddConstraint", "AT_AddColumn", "CreateStmt")
    words = ("check",)
    why = (
        "PostgreSQL takes a CHECK to be true forever once a row has passed it. With a function that"
        " answers otherwise tomorrow, rows break it unseen, and a dump can't be loaded again."
    )
    safe = "A trigger for what depends on other rows, on the time or on chance; CHECK for the row."
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD CONSTRAINT lucky\n"
        "  CHECK (amount <> dice()) NOT VALID;"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD CONSTRAINT lucky\n"
        "  CHECK (amount <> 4) NOT VALID;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for constraint in _constraints(here.node):
            expression = constraint.get("raw_expr")
            if constraint["contype"] != "CONSTR_CHECK" or not expression:
                continue
            if here.state.volatility(expression) == "volatile":
                called = ", ".join(f"{name[-1]}()" for name in functions_in(expression))
                yield self.found(
                    here,
                    f"{called} in a CHECK of {short(here.table())} is volatile: rows that passed"
                    " may break it later, unseen, and the dump of such rows can't be loaded.",
                    "Declare the function IMMUTABLE if it is; otherwise a trigger.",
                    here.table(),
                )


class ConstraintNotEnforced(Rule):
    """A constraint is declared NOT ENFORCED."""

    severity = "warning"
    default = False
    majors = (18, 18)
    on = ("AT_AddConstraint", "AT_AddColumn", "CreateStmt", "AT_AlterConstraint")
    why = "NOT ENFORCED checks nothing, neither old rows nor new ones: it only documents."
    safe = "NOT VALID guards new rows at once, and VALIDATE CONSTRAINT proves the old ones later."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT ENFORCED;"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for constraint in _constraints(here.node):
            kind = constraint["contype"]
            loose = kind in ("CONSTR_CHECK", "CONSTR_FOREIGN") and not constraint.get("is_enforced")
            if loose or kind == "CONSTR_ATTR_NOT_ENFORCED":
                yield self._finding(here, constraint.get("conname"))
        for command in here.commands("AT_AlterConstraint"):
            change = fields_of(command["def"])
            if change.get("alterEnforceability") and not change.get("is_enforced"):
                yield self._finding(here, change.get("conname"))

    def _finding(self, here: Here, name: str | None) -> Finding:
        return self.found(
            here,
            f"{name or 'The constraint'} on {short(here.table())} checks nothing: rows that break"
            " it are written without an error.",
            "NOT VALID instead of NOT ENFORCED",
            here.table(),
        )


class RepeatedKeyColumn(Rule):
    """A primary key or unique constraint names a column twice."""

    on = ("AT_AddConstraint", "CreateStmt")
    words = ("unique", "primary")
    why = "PostgreSQL refuses a key that names a column twice: the statement fails."
    safe = "Name each column once."
    bad = "CREATE TABLE stays (room int, day date, UNIQUE (room, room));"
    good = "CREATE TABLE stays (room int, day date, UNIQUE (room, day));"

    def check(self, here: Here) -> Iterator[Finding]:
        for constraint in _constraints(here.node):
            if constraint["contype"] not in ("CONSTR_PRIMARY", "CONSTR_UNIQUE"):
                continue
            for name, times in repeated(constraint_columns(constraint)):
                yield self.found(
                    here,
                    f"This fails: the key of {short(here.table())} names {name} {times} times.",
                    "Name each column once.",
                    here.table(),
                )


class UnnamedConstraint(Rule):
    """A constraint is added without a name."""

    severity = "warning"
    default = False
    on = ("AT_AddConstraint",)
    why = (
        "PostgreSQL makes up a name that depends on what is there already. A downgrade, and every"
        " later change, has to guess it."
    )
    safe = "ADD CONSTRAINT name …; in SQLAlchemy a naming_convention for the MetaData."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ADD CHECK (amount > 0) NOT VALID;"
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_AddConstraint"):
            constraint = fields_of(command["def"])
            if "conname" not in constraint and "indexname" not in constraint:
                yield self.found(
                    here,
                    f"The constraint on {short(here.table())} gets a name that PostgreSQL makes"
                    " up.",
                    f"ALTER TABLE {short(here.table())} ADD CONSTRAINT name …",
                    here.table(),
                )


_LONG = re.compile(r"[^\W\d][\w$]{63}|\"[^\"]{64}")
_DEFINING = (
    *("CreateStmt", "AlterTableStmt", "IndexStmt", "RenameStmt", "ViewStmt", "CreateTrigStmt"),
    *("CreateSeqStmt", "CreateFunctionStmt", "CreateEnumStmt", "CreateDomainStmt"),
)


class IdentifierTooLong(Rule):
    """A name is longer than 63 bytes, and PostgreSQL cuts it."""

    severity = "warning"
    on = _DEFINING
    why = (
        "PostgreSQL cuts names to 63 bytes with no more than a notice: two long names can become"
        " the same one, and nobody finds the object under the name that the migration gives."
    )
    safe = "A shorter name."
    bad = (
        "CREATE TABLE boxes (id int, CONSTRAINT\n"
        "  every_box_has_an_identity_that_is_greater_than_zero_now_and_for_ever CHECK (id > 0));"
    )
    good = "CREATE TABLE boxes (id int, CONSTRAINT boxes_id_positive CHECK (id > 0));"

    def check(self, here: Here) -> Iterator[Finding]:
        sql = here.statement.sql
        short = sql.isascii() and '"' not in sql and max(map(len, sql.split())) < 64
        if short or (sql.isascii() and not _LONG.search(sql)):
            return
        for token in tokens(sql):
            word = sql[token.start : token.end]
            name = word.strip('"')
            if (token.kind == "word" or word[0] == '"') and len(name.encode()) > 63:
                cut = name.encode()[:63].decode(errors="ignore")
                yield self.found(
                    here, f"{name} is longer than 63 bytes and becomes {cut}.", "A shorter name."
                )
                return


class PendingTriggerEvents(Rule):
    """A table is altered while a deferred constraint still has rows of it to check."""

    on = ("AlterTableStmt", "DropStmt", "TruncateStmt")
    only = "not-first"
    why = (
        "Rows written under a DEFERRABLE INITIALLY DEFERRED constraint are checked at COMMIT. Until"
        " then ALTER TABLE, DROP TABLE and TRUNCATE of that table fail: it has pending trigger"
        " events."
    )
    safe = "SET CONSTRAINTS ALL IMMEDIATE before, or the data in a transaction of its own."
    bad = (
        "SET lock_timeout = '2s';\n"
        "CREATE TABLE boxes (id int PRIMARY KEY, order_id bigint REFERENCES orders\n"
        "  DEFERRABLE INITIALLY DEFERRED);\n"
        "-- next file\nBEGIN;\nSET LOCAL lock_timeout = '2s';\n"
        "INSERT INTO boxes VALUES (1, 1);\nALTER TABLE boxes ADD COLUMN gift boolean;\nCOMMIT;"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "CREATE TABLE boxes (id int PRIMARY KEY, order_id bigint REFERENCES orders\n"
        "  DEFERRABLE INITIALLY DEFERRED);\n"
        "-- next file\nBEGIN;\nSET LOCAL lock_timeout = '2s';\n"
        "INSERT INTO boxes VALUES (1, 1);\nSET CONSTRAINTS ALL IMMEDIATE;\n"
        "ALTER TABLE boxes ADD COLUMN gift boolean;\nCOMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if not here.earlier:
            return
        altered = self._altered(here)
        for key in altered:
            writer = _left_pending(here, key)
            if writer:
                yield self.found(
                    here,
                    f"This fails: rows of {short(key)} written in line"
                    f" {writer.statement.location.line} wait for a deferred constraint, and"
                    " PostgreSQL changes no table with pending trigger events.",
                    f"SET CONSTRAINTS ALL IMMEDIATE;  -- before it\n{here.statement.sql};",
                    key,
                    severity=here.by_schema,
                )
                return

    def _altered(self, here: Here) -> list[str]:
        if here.kind == "AlterTableStmt":
            return [here.table()]
        return [lock.relation for lock in here.effect.locks if lock.mode.blocks_reads]


def _left_pending(here: Here, key: str) -> Seen | None:
    """The statement of this transaction that left rows of a table to a deferred constraint."""
    relation = here.state.relation(key)
    if relation is None:
        return None
    own = [fk for fk in relation.foreign_keys() if fk.deferred]
    pointing = [
        fk
        for child in here.state.referencing(key)
        for fk in here.relation(child).foreign_keys()
        if fk.deferred and fk.references == key
    ]
    if not own and not pointing:
        return None
    watched = {name for fk in own for name in fk.columns}
    watched |= {name for fk in pointing for name in fk.referenced_columns}
    pending: Seen | None = None
    at_once = False
    for seen in here.earlier:
        if seen.kind == "ConstraintsSetStmt":
            at_once = not seen.node.get("deferred")
            pending = None if at_once else pending
        if at_once or seen.kind not in ("InsertStmt", "UpdateStmt", "DeleteStmt"):
            continue
        node = seen.node
        if here.state.key_of_range(node["relation"]) != key:
            continue
        inserted = seen.kind == "InsertStmt"
        if (
            (inserted and own)
            or (seen.kind == "DeleteStmt" and pointing)
            or (
                seen.kind == "UpdateStmt"
                and watched
                & {fields_of(target).get("name") for target in node.get("targetList", ())}
            )
        ):
            pending = seen
    return pending
