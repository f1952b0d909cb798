"""Data changed past what guards it."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short
from zero_downtime.sql.bodies import body_of, source_of
from zero_downtime.sql.lexer import words_in
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import NotParsed, fields_of, parse

_OFF = ("AT_DisableTrig", "AT_DisableTrigAll", "AT_DisableTrigUser")
_ON = ("AT_EnableTrig", "AT_EnableTrigAll", "AT_EnableTrigUser", "AT_EnableAlwaysTrig")


class DisabledTrigger(Rule):
    """Triggers of a table in use are switched off for everybody."""

    severity = "warning"
    on = _OFF
    why = (
        "DISABLE TRIGGER is no setting of the session: what the application writes from then on"
        " passes unchecked and unaudited too. With ALL its foreign keys are not checked either, and"
        " nothing checks those rows later."
    )
    safe = (
        "Let the trigger's function look at a setting of the session. Or switch off and on again in"
        " one short transaction, which keeps writers out meanwhile."
    )
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE lines DISABLE TRIGGER lines_touch;\n"
        "UPDATE lines SET quantity = 1 WHERE id < 1000;\n"
        "ALTER TABLE lines ENABLE TRIGGER lines_touch;"
    )
    good = (
        "SET lock_timeout = '2s';\nSET shop.backfill = 'on';  -- touch() looks at it\n"
        "UPDATE lines SET quantity = 1 WHERE id < 1000;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        commands = list(here.commands(*_OFF))
        if not commands:
            return
        again = self._enabled_again(here)
        number = here.statement.transaction
        if again is not None and number is not None and again.transaction == number:
            return
        key = here.table()
        names = [command.get("name", "") for command in commands]
        what, pronoun = f"The triggers of {short(key)} are", "them"
        if names[0]:
            what, pronoun = f"Trigger {names[0]} of {short(key)} is", "it"
        elif commands[0]["subtype"] == "AT_DisableTrigAll":
            what = f"The triggers and foreign keys of {short(key)} are"
        checked = commands[0]["subtype"] != "AT_DisableTrigAll"
        until = f" until line {again.location.line}" if again else ", and nothing here ends that"
        yield self.found(
            here,
            f"{what} off for all sessions{until}: what the application writes meanwhile passes"
            f" {pronoun} by.",
            f"BEGIN;\n{here.statement.sql};\n…  -- short\n"
            f"ALTER TABLE {short(key)} ENABLE TRIGGER {names[0] or 'ALL'};\nCOMMIT;",
            key,
            severity="warning" if checked else "error",  # foreign keys are off too
        )

    def _enabled_again(self, here: Here) -> Statement | None:
        key = here.table()
        for statement, kind, node in here.following("enable"):
            if kind != "AlterTableStmt" or here.state.key_of_range(node["relation"]) != key:
                continue
            if any(fields_of(item)["subtype"] in _ON for item in node.get("cmds", ())):
                return statement
        return None


class CatalogWritten(Rule):
    """A system catalog is changed by hand."""

    severity = "warning"
    on = ("UpdateStmt", "DeleteStmt", "InsertStmt")
    why = (
        "The catalogs are PostgreSQL's own. A change by hand takes no lock on what it is about,"
        " checks nothing, and other sessions go on with what they remember; an upgrade of the"
        " server may fail on it."
    )
    safe = "The command that is made for it: ALTER TYPE, ALTER TABLE, …"
    bad = "DELETE FROM pg_enum WHERE enumlabel = 'busy';"
    good = "ALTER TYPE mood ADD VALUE 'tired';"

    def check(self, here: Here) -> Iterator[Finding]:
        relation = here.node["relation"]
        name, schema = relation["relname"], relation.get("schemaname")
        known = here.state.exists(here.table()) and here.state.relation(here.table())
        if schema == "pg_catalog" or (schema is None and name.startswith("pg_") and not known):
            yield self.found(
                here,
                f"{name} is a catalog of PostgreSQL's: nothing checks this change, and other"
                " sessions go on with what they remember.",
                self.safe,
            )


class BatchesInOneTransaction(Rule):
    """A loop in a DO block changes rows in batches that all commit together."""

    severity = "warning"
    on = ("DoStmt",)
    why = (
        "A DO block is one transaction unless it says COMMIT: every row of every round stays locked"
        " to the end, as with one big UPDATE, only slower."
    )
    safe = "COMMIT in the loop, and run the block outside a transaction."
    bad = (
        "DO $$ BEGIN\n  LOOP\n    UPDATE orders SET note = 'x' WHERE id IN\n"
        "      (SELECT id FROM orders WHERE note IS NULL LIMIT 1000);\n"
        "    EXIT WHEN NOT FOUND;\n  END LOOP;\nEND $$;"
    )
    good = (
        "DO $$ BEGIN\n  LOOP\n    UPDATE orders SET note = 'x' WHERE id IN\n"
        "      (SELECT id FROM orders WHERE note IS NULL LIMIT 1000);\n"
        "    EXIT WHEN NOT FOUND;\n    COMMIT;\n  END LOOP;\nEND $$;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        source = source_of(here.node) or ""
        words = words_in(source)
        if "loop" not in words or "commit" in words:
            return
        first, last = source.lower().find("loop"), source.lower().rfind("end loop")
        body = body_of(here.kind, here.node)
        for inner in body.statements if body else ():
            if inner.expression or not first < (inner.offset or 0) < last:
                continue
            try:
                kind, node = parse(inner.sql)
            except NotParsed:
                continue
            if kind not in ("UpdateStmt", "DeleteStmt"):
                continue
            key = here.state.key_of_range(node["relation"])
            if not here.is_new(key) and here.state.exists(key):
                verb = "updates" if kind == "UpdateStmt" else "deletes from"
                yield self.found(
                    here,
                    f"The loop {verb} {short(key)} in rounds, but without COMMIT all rounds are one"
                    " transaction: their rows stay locked to the end.",
                    "COMMIT;  -- at the end of each round; and run the block outside a transaction",
                    key,
                )
                return
