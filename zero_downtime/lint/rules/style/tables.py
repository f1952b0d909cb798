"""Names and forms of tables, views and types."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.rules.vectors.vector import new_definitions
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import Node, fields_of, tagged

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


class TableWithoutPrimaryKey(Rule):
    """A new table has no primary key."""

    severity = "warning"
    default = False
    on = ("CreateStmt",)
    why = "A row can't be named: not by a foreign key, a batch job or a logical replica."
    safe = "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    bad = "CREATE TABLE boxes (id bigint NOT NULL);"
    good = "CREATE TABLE boxes (id bigint PRIMARY KEY);"

    def at_end(self, there: There) -> Iterator[Finding]:
        for seen in there.of("CreateStmt"):
            relation = there.state.relation(there.state.key_of_range(seen.node["relation"]))
            if relation is None or relation.temporary or relation.is_partition:
                continue
            if relation.born != there.state.unit or relation.kind == "foreign table":
                continue
            if not any(c.kind == "primary key" for c in relation.constraints.values()):
                yield self.found(
                    seen,
                    f"{short(relation.key)} has no primary key by which to name a row.",
                    self.safe,
                    relation.key,
                )


class NameNeedsQuotes(Rule):
    """A table or column has a name that must be quoted for ever."""

    severity = "warning"
    default = False
    on = ("CreateStmt", "AT_AddColumn", "RenameStmt")
    why = "Capitals and blanks hold only in quotes, and every query written by hand forgets them."
    safe = "snake_case: order_lines."
    bad = 'CREATE TABLE "orderLines" (id bigint PRIMARY KEY);'
    good = "CREATE TABLE order_lines (id bigint PRIMARY KEY);"

    def check(self, here: Here) -> Iterator[Finding]:
        names = [definition.get("colname", "") for definition in new_definitions(here)]
        names.append(str(here.node.get("newname", "")))
        if here.kind == "CreateStmt":
            names.insert(0, here.node["relation"]["relname"])
        odd = [name for name in names if name and not _PLAIN.fullmatch(name)]
        if odd:
            yield self.found(
                here, f'"{odd[0]}" has to be written in quotes in every query.', self.safe
            )


class NameWithoutSchema(Rule):
    """A table is made or changed without naming its schema."""

    severity = "warning"
    default = False
    on = ("CreateStmt", "AlterTableStmt", "IndexStmt")
    why = "Where it lands is decided by the search_path of whoever runs the migration."
    safe = "CREATE TABLE public.boxes …"
    bad = "CREATE TABLE boxes (id bigint PRIMARY KEY);"
    good = "CREATE TABLE public.boxes (id bigint PRIMARY KEY);"

    def check(self, here: Here) -> Iterator[Finding]:
        relation = here.node["relation"]
        if "schemaname" not in relation and relation.get("relpersistence") != "t":
            yield self.found(
                here,
                f"The search_path decides in which schema {relation['relname']} is found or made.",
                f"public.{relation['relname']}",
            )


class MissingIfExists(Rule):
    """A statement outside a transaction can't be run a second time."""

    severity = "warning"
    default = False
    on = ("CreateStmt", "DropStmt", "AT_AddColumn", "AT_DropColumn")
    why = (
        "Outside a transaction what was done before a failure stays: the second run stops at the"
        " first statement that is done already."
    )
    safe = "IF NOT EXISTS, IF EXISTS; or one transaction."
    bad = "CREATE TABLE boxes (id bigint PRIMARY KEY);"
    good = "CREATE TABLE IF NOT EXISTS boxes (id bigint PRIMARY KEY);"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.statement.transaction is None and not _can_repeat(here.node):
            yield self.found(
                here,
                "This stops a second run, and outside a transaction a second run may be needed.",
                self.safe,
            )


def _can_repeat(node: Node) -> bool:
    if node.get("if_not_exists") or node.get("missing_ok"):
        return True
    commands = [fields_of(item) for item in node.get("cmds", ())]
    wanted = [c for c in commands if c["subtype"] in ("AT_AddColumn", "AT_DropColumn")]
    return bool(wanted) and all(c.get("missing_ok") for c in wanted)


class ViewOfStar(Rule):
    """A view selects * and is frozen to the columns of today."""

    severity = "warning"
    default = False
    on = ("ViewStmt",)
    why = (
        "The star is spelled out when the view is made: a column added later is not in it, and one"
        " that is to be dropped or retyped is held fast."
    )
    safe = "Name the columns that the view is for."
    bad = "CREATE VIEW all_orders AS SELECT * FROM orders;"
    good = "CREATE VIEW all_orders AS SELECT id, total FROM orders;"

    def check(self, here: Here) -> Iterator[Finding]:
        query = here.node["query"]
        for target in query.get("SelectStmt", {}).get("targetList", ()):
            if any(True for _ in tagged(target, "A_Star")):
                yield self.found(
                    here, "The star stands for the columns of today, for good.", self.safe
                )
                return


class EnumType(Rule):
    """A list of values becomes an enum type."""

    severity = "warning"
    default = False
    on = ("CreateEnumStmt",)
    why = "A value of an enum can be added and renamed, and never be taken away."
    safe = "text with a CHECK, or a table of the values and a foreign key."
    bad = "CREATE TYPE size AS ENUM ('small', 'large');"
    good = "CREATE TABLE boxes (id bigint PRIMARY KEY, size text CHECK (size IN ('s', 'l')));"

    def check(self, here: Here) -> Iterator[Finding]:
        yield self.found(here, "No value of this type can ever be taken away again.", self.safe)


class TableInheritance(Rule):
    """A table inherits from another."""

    severity = "warning"
    default = False
    on = ("CreateStmt",)
    why = "Unique constraints and foreign keys don't reach the children, and plans suffer."
    safe = "Declarative partitions, or tables of their own."
    bad = "CREATE TABLE cats (claws int) INHERITS (animals);"
    good = "CREATE TABLE cats (id int PRIMARY KEY, name text, claws int);"

    def check(self, here: Here) -> Iterator[Finding]:
        if "inhRelations" in here.node and "partbound" not in here.node:
            yield self.found(
                here,
                "Keys and foreign keys of the parent don't hold for the rows of this table.",
                self.safe,
            )


class RewriteRule(Rule):
    """A rewrite rule instead of a trigger or a view."""

    severity = "warning"
    default = False
    on = ("RuleStmt",)
    why = "A rule rewrites the query, so its expressions may run more than once a row."
    safe = "A trigger; INSTEAD OF on a view."
    bad = (
        "SET lock_timeout = '2s';\n"
        "CREATE RULE keep AS ON DELETE TO scratch_notes DO INSTEAD NOTHING;"
    )
    good = (
        "SET lock_timeout = '2s';\nCREATE TRIGGER keep BEFORE DELETE ON scratch_notes"
        " FOR EACH ROW EXECUTE FUNCTION touch();"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        yield self.found(
            here, "Rules change the text of queries, and do so in surprising ways.", self.safe
        )
