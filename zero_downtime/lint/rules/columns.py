"""Columns whose change writes every row anew, or breaks the code that still reads them."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding, Severity
from zero_downtime.lint.rule import Here, Rule, contype, short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_table import type_change
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.tree import Node, fields_of, names_of, path_of
from zero_downtime.sql.types import SERIAL_TYPES, change_of

_AE = LockMode.ACCESS_EXCLUSIVE


def _rewrites(key: str, what: str) -> str:
    return (
        f"{what} writes every row of {short(key)} anew under ACCESS EXCLUSIVE:"
        f" {waits(_AE, key)} until it is done."
    )


class TypeChangeRewrite(Rule):
    """A column gets a type that makes PostgreSQL write every row anew."""

    why = (
        "ALTER COLUMN … TYPE rewrites the table and its indexes under ACCESS EXCLUSIVE unless the"
        " old values can stay as they are (a wider varchar, varchar to text, a larger numeric)."
        " The old type decides."
    )
    safe = (
        "Add a column of the new type, keep both written (a trigger, or the application), fill it"
        " in batches, switch readers over, drop the old one."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN amount TYPE bigint;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN note TYPE varchar(40);"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table() if here.kind == "AlterTableStmt" else ""
        for command in here.commands("AT_AlterColumnType"):
            column = here.relation(key).columns.get(command["name"])
            new = here.state.type_of(fields_of(command["def"])["typeName"])
            change = type_change(Prediction(here.state, here.major), key, command)
            if column is not None and change == "none":
                continue
            name = command["name"]
            if column is None:
                message = (
                    f"The type of {short(key)}.{name} before this is not known here; it depends on"
                    f" it whether {new} can take the values as they are. If not, every row is"
                    f" written anew under ACCESS EXCLUSIVE and {waits(_AE, key)}."
                )
                safe = "Give the schema with --schema FILE, and this is known.\n"
                yield self.found(
                    here, message, safe + _new_column(key, name, new), key, None, "warning"
                )
                continue
            base = here.state.base_type
            message = _rewrites(key, f"{name} from {column.type} to {new}")
            if change_of(base(column.type), base(new)) == "session":
                safe = (
                    f"SET LOCAL TimeZone = 'UTC';  -- only if {name} holds UTC: then no row is"
                    f" touched\n{here.statement.sql};"
                )
                message += " It depends on the session: with TimeZone = 'UTC' no row is written."
                yield self.found(here, message, safe, key)
                continue
            yield self.found(here, message, _new_column(key, name, new), key)


def _new_column(key: str, name: str, new: object) -> str:
    table = short(key)
    return (
        f"ALTER TABLE {table} ADD COLUMN {name}_new {new};\n"
        f"then keep {name}_new equal to {name} with a trigger, fill it in batches, let the\n"
        f"application read {name}_new, and drop {name} in a later release."
    )


class VolatileDefault(Rule):
    """A column is added with a default that is computed anew for each row."""

    why = (
        "A constant or stable default (now() too) is kept in the catalog and touches no row. A"
        " volatile one, such as gen_random_uuid(), random(), clock_timestamp(), nextval (serial"
        " and identity use it), makes PostgreSQL write every row under ACCESS EXCLUSIVE."
    )
    safe = (
        "Add the column without a default, SET DEFAULT for new rows, fill the old ones in batches,"
        " then set NOT NULL."
    )
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN token uuid;\n"
        "ALTER TABLE orders ALTER COLUMN token SET DEFAULT gen_random_uuid();"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for column in here.new_columns():
            key, name = here.table(), column["colname"]
            cause, severity = self._cause(here, column)
            if cause is None:
                continue
            message = _rewrites(key, f"ADD COLUMN {name} with {cause}")
            if severity == "warning":
                message = (
                    f"Whether {cause} is volatile is not known here. If it is, "
                    + message[0].lower()
                    + message[1:]
                )
            safe = (
                f"ALTER TABLE {short(key)} ADD COLUMN {name} …;  -- no default\n"
                f"ALTER TABLE {short(key)} ALTER COLUMN {name} SET DEFAULT …;  -- new rows\n"
                f"then fill the old rows in batches, and set NOT NULL if wanted."
            )
            yield self.found(here, message, safe, key, severity=severity)

    def _cause(self, here: Here, column: Node) -> tuple[str | None, Severity | None]:
        type_names = names_of(column.get("typeName", {}).get("names"))
        if type_names and type_names[-1] in SERIAL_TYPES:
            return f"a number for each row ({type_names[-1]})", None
        for _ in contype(column, "CONSTR_IDENTITY"):
            return "a number for each row (identity)", None
        for item in contype(column, "CONSTR_DEFAULT"):
            volatility = here.state.volatility(item.get("raw_expr"))
            if volatility == "volatile":
                return "a volatile default", None
            if volatility == "unknown":
                return "the function in its default", "warning"
        return None, None


class StoredGeneratedColumn(Rule):
    """A stored generated column is added to a table in use, or its expression replaced."""

    why = "The values are computed and written for every row under ACCESS EXCLUSIVE."
    safe = (
        "PostgreSQL 18: a VIRTUAL column, computed when it is read, touches no row. Otherwise an"
        " ordinary column that a trigger fills, with a backfill in batches."
    )
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN double int GENERATED ALWAYS AS (amount * 2) STORED;"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN double int GENERATED ALWAYS AS (amount * 2) VIRTUAL;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table() if here.kind == "AlterTableStmt" else ""
        for column in here.new_columns():
            for item in contype(column, "CONSTR_GENERATED"):
                if item.get("generated_kind") != "v":
                    yield self._finding(here, key, column["colname"], "ADD COLUMN")
        for command in here.commands("AT_SetExpression"):
            column_facts = here.relation(key).columns.get(command["name"])
            if column_facts is None or column_facts.generated != "virtual":
                yield self._finding(here, key, command["name"], "SET EXPRESSION of")

    def _finding(self, here: Here, key: str, name: str, verb: str) -> Finding:
        trigger = f"an ordinary column {name} that a trigger fills, and a backfill in batches."
        virtual = "GENERATED ALWAYS AS (…) VIRTUAL, which touches no row; or "
        return self.found(
            here,
            _rewrites(key, f"{verb} {name} GENERATED … STORED"),
            virtual + trigger if here.major >= 18 else trigger,
            key,
        )


class RequiredColumn(Rule):
    """A NOT NULL column without a default is added to a table in use."""

    why = (
        "It fails as soon as the table has a row, and the running release, which does not know the"
        " column, can insert nothing any more."
    )
    safe = "Give it a constant default, or add it nullable, fill it, and set NOT NULL later."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean NOT NULL;"
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN gift boolean NOT NULL DEFAULT false;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for column in here.new_columns():
            required = any(True for _ in contype(column, "CONSTR_NOTNULL"))
            kinds = {fields_of(item)["contype"] for item in column.get("constraints", ())}
            filled = kinds & {"CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"}
            type_names = names_of(column.get("typeName", {}).get("names"))
            if not required or filled or (type_names and type_names[-1] in SERIAL_TYPES):
                continue
            key, name = here.table(), column["colname"]
            yield self.found(
                here,
                f"{name} is NOT NULL without a default: this fails if {short(key)} has rows, and"
                f" inserts of the running release fail after it.",
                f"ALTER TABLE {short(key)} ADD COLUMN {name} … NOT NULL DEFAULT …;  -- a constant",
                key,
            )


class DropColumn(Rule):
    """A column is dropped that the running release may still use."""

    why = (
        "Queries of the running release that name the column fail, and so do those of an ORM that"
        " lists every column it knows. The values are gone for good."
    )
    safe = (
        "Release code that no longer uses the column, then drop it: in a revision whose phase is"
        ' "contract", or with a comment that says since when nothing reads it.'
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders DROP COLUMN note;"
    good = (
        "SET lock_timeout = '2s';\n"
        "-- zd: ignore[drop-column] no release since 4.2 reads it\n"
        "ALTER TABLE orders DROP COLUMN note;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.phase == "contract":
            return
        for command in here.commands("AT_DropColumn"):
            key, name = here.table(), command["name"]
            column = here.relation(key).columns.get(name)
            if column is None and (here.state.complete or command.get("missing_ok")):
                continue
            if column is not None and column.born == here.state.unit:
                continue
            yield self.found(
                here,
                f"Code that still reads {short(key)}.{name} fails from here on, and its values are"
                f" lost.",
                f"First release code without {name}; then drop it in a revision with"
                f' phase = "contract".',
                key,
            )


class DropTable(Rule):
    """A table is dropped that the running release may still use."""

    why = (
        "Queries of the running release on the table fail, and its rows are gone for good. With"
        " foreign keys the tables at their other ends are locked as well (ACCESS EXCLUSIVE)."
    )
    safe = (
        "Release code that no longer uses the table, then drop it: in a revision whose phase is"
        ' "contract", or with a comment that says since when nothing reads it.'
    )
    bad = "SET lock_timeout = '2s';\nDROP TABLE scratch_notes;"
    good = (
        "SET lock_timeout = '2s';\n"
        "-- zd: ignore[drop-table] no release since 4.2 reads it\n"
        "DROP TABLE scratch_notes;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "DropStmt" or here.node["removeType"] not in _STORED:
            return
        if here.phase == "contract":
            return
        for item in here.node["objects"]:
            key = here.state.key_of(path_of(item))
            if here.is_new(key) or not here.state.exists(key):
                continue
            others = [short(k) for k in here.locks if k != key and _is_table(here, k)]
            also = f" {', '.join(others)} is locked with it." if others else ""
            yield self.found(
                here,
                f"Code that still uses {short(key)} fails from here on, and its rows are lost."
                + also,
                f"First release code without {short(key)}; then drop it in a revision with"
                f' phase = "contract".',
                key,
            )


_STORED = ("OBJECT_TABLE", "OBJECT_MATVIEW")


def _is_table(here: Here, key: str) -> bool:
    return here.relation(key).kind in ("table", "partitioned table")


class RenameColumn(Rule):
    """A column in use gets another name."""

    why = (
        "The running release asks for the old name and fails; the next one asks for the new name"
        " and fails before this runs. There is no moment at which both work."
    )
    safe = (
        "Add a column of the new name, keep both written, fill it in batches, move readers over,"
        " drop the old one in a later release."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders RENAME COLUMN note TO remark;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN remark varchar(20);"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "RenameStmt" or here.node["renameType"] != "OBJECT_COLUMN":
            return
        key, old, new = here.table(), here.node["subname"], here.node["newname"]
        if here.is_new(key) or not here.state.exists(key) or _undoes_rename(here):
            return
        column = here.relation(key).columns.get(old)
        if column is not None and column.born == here.state.unit:
            return
        yield self.found(
            here,
            f"The running release still asks for {short(key)}.{old} and fails from here on.",
            f"ALTER TABLE {short(key)} ADD COLUMN {new} …;\n"
            f"then keep {new} equal to {old}, fill it in batches, move the application over, and\n"
            f"drop {old} in a later release.",
            key,
        )


class RenameTable(Rule):
    """A table or view in use gets another name or schema."""

    why = (
        "The running release asks for the old name and fails; the next one asks for the new name"
        " and fails before this runs."
    )
    safe = (
        "In the same transaction, create a view of the old name over the new table: simple views"
        " can be written to. Drop the view in a later release."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE scratch_notes RENAME TO notes;"
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE scratch_notes RENAME TO notes;\n"
        "CREATE VIEW scratch_notes AS SELECT * FROM notes;\nCOMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        new = self._new_name(here)
        if new is None:
            return
        key = here.table()
        if key in here.state.indexes or here.is_new(key) or not here.state.exists(key):
            return
        if here.relation(key).kind == "sequence" or _undoes_rename(here):
            return
        for kind, node in here.later:
            if kind == "ViewStmt" and here.state.key_of_range(node["view"]) == key:
                return
        old = here.relation(key).name
        where = "" if here.relation(key).schema == "public" else f"{here.relation(key).schema}."
        yield self.found(
            here,
            f"The running release still asks for {short(key)} and fails from here on.",
            f"BEGIN;\n{here.statement.sql};\n"
            f"CREATE VIEW {where}{old} AS SELECT * FROM {new};\nCOMMIT;",
            key,
        )

    def _new_name(self, here: Here) -> str | None:
        if here.kind == "RenameStmt" and here.node["renameType"] in _RELATIONS:
            return str(here.node["newname"])
        if here.kind == "AlterObjectSchemaStmt" and here.node["objectType"] in _RELATIONS:
            return f"{here.node['newschema']}.{here.node['relation']['relname']}"
        return None


_RELATIONS = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW")


def _undoes_rename(here: Here) -> bool:
    """Whether a downgrade only gives back the name that the upgrade took."""
    node = here.node
    for kind, other in here.upgrade:
        if kind != here.kind or "relation" not in other:
            continue
        if kind == "AlterObjectSchemaStmt":
            if other["relation"]["relname"] == node["relation"]["relname"]:
                return True
            continue
        old = other.get("subname") or other["relation"]["relname"]
        named = node.get("subname") or node["relation"]["relname"]
        if (old, other["newname"]) == (node["newname"], named):
            return True
    return False
