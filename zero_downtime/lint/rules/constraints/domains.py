"""Constraints of domains, which are tested in every table that uses them."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import fields_of, names_of


class DomainConstraintChecked(Rule):
    """A domain gets a CHECK or NOT NULL that is tested on every row of every table that uses it."""

    on = ("AlterDomainStmt",)
    why = (
        "ALTER DOMAIN reads every table with a column of the domain, all of them locked in SHARE"
        " mode until the last one is read: writers of all these tables wait."
    )
    safe = (
        "ADD CONSTRAINT … CHECK (…) NOT VALID locks no table and guards new values. What is there"
        " is best proven by a CHECK of each table, NOT VALID and then validated."
    )
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000000);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000000) NOT VALID;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        subtype = here.node.get("subtype")
        constraint = fields_of(here.node.get("def"))
        if subtype not in ("C", "O") or constraint.get("skip_validation"):
            return
        name = names_of(here.node["typeName"])[-1]
        what = "SET NOT NULL" if subtype == "O" else "ADD CONSTRAINT"
        value = "CHECK (VALUE IS NOT NULL)" if subtype == "O" else "CHECK (…)"
        given = constraint.get("conname") or f"{name}_check"
        safe = f"ALTER DOMAIN {name} ADD CONSTRAINT {given} {value} NOT VALID;"
        yield from _scanned(self, here, name, what, safe)


class DomainValidation(Rule):
    """A constraint of a domain is validated, while writers of every table that uses it wait."""

    on = ("AlterDomainStmt",)
    why = (
        "Unlike that of a table, VALIDATE CONSTRAINT of a domain lets no writer pass: every table"
        " with a column of it is locked in SHARE mode until the last one is read."
    )
    safe = (
        "Leave it NOT VALID, and prove what is there by a CHECK of each table, NOT VALID and then"
        " validated; or at rest, with a lock_timeout."
    )
    bad = "SET lock_timeout = '2s';\nALTER DOMAIN positive VALIDATE CONSTRAINT positive_check;"
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT rank_positive CHECK (rank > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT rank_positive;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("subtype") == "V":
            name = names_of(here.node["typeName"])[-1]
            yield from _scanned(self, here, name, "VALIDATE CONSTRAINT", self.safe)


def _scanned(rule: Rule, here: Here, name: str, what: str, safe: str) -> Iterator[Finding]:
    tables = [key for key in here.effect.scans if key in here.locks]
    if tables:
        read = ", ".join(map(short, tables))
        yield rule.found(
            here,
            f"{what} reads all of {read}, where {name} is used, under SHARE: INSERT, UPDATE and"
            f" DELETE on {read} wait until it is done.",
            safe,
            tables[0],
        )
    elif not here.state.complete and here.state.type_key(names_of(here.node["typeName"])) is None:
        yield rule.found(
            here,
            f"{what} reads every table with a column of {name} under SHARE, which are not known"
            " here: INSERT, UPDATE and DELETE on them wait until it is done.",
            safe,
            severity="warning",
        )


class ConstrainedDomainCreated(Rule):
    """A domain is made with a constraint that will be hard to change."""

    severity = "warning"
    default = False
    on = ("CreateDomainStmt",)
    why = (
        "Each new column of a constrained domain writes its table anew, and a new constraint of the"
        " domain reads every table that uses it: later changes are more expensive than with a CHECK"
        " of the table."
    )
    safe = "The base type, and a CHECK in each table."
    bad = "CREATE DOMAIN share AS numeric CHECK (VALUE BETWEEN 0 AND 1);"
    good = "CREATE TABLE stakes (share numeric CHECK (share BETWEEN 0 AND 1));"

    def check(self, here: Here) -> Iterator[Finding]:
        kinds = {fields_of(item)["contype"] for item in here.node.get("constraints", ())}
        if kinds & {"CONSTR_CHECK", "CONSTR_NOTNULL"}:
            name = ".".join(names_of(here.node["domainname"]))
            yield self.found(
                here,
                f"{name} has a constraint: each table that gets a column of it later is written"
                " anew.",
                self.safe,
            )
