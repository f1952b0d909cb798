"""Conditions about the catalog, as pieces of SQL that return a boolean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from zero_downtime.sql.tree import Node
from zero_downtime.sql.types import SERIAL_TYPES, read_type

KINDS: Mapping[str, str] = {
    "OBJECT_TABLE": "'r', 'p'",
    "OBJECT_VIEW": "'v'",
    "OBJECT_MATVIEW": "'m'",
    "OBJECT_SEQUENCE": "'S'",
    "OBJECT_FOREIGN_TABLE": "'f'",
    "OBJECT_INDEX": "'i', 'I'",
}

CONTYPES: Mapping[str, str] = {
    "CONSTR_CHECK": "c",
    "CONSTR_FOREIGN": "f",
    "CONSTR_PRIMARY": "p",
    "CONSTR_UNIQUE": "u",
    "CONSTR_EXCLUSION": "x",
    "CONSTR_NOTNULL": "n",
}


def literal(text: str) -> str:
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def quoted(path: Sequence[str]) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in path)


def path_of_table(range_var: Node) -> tuple[str, ...]:
    names = (range_var.get("schemaname"), range_var["relname"])
    return tuple(name for name in names if name)


def regclass(of: Node | Sequence[str]) -> str:
    path = path_of_table(of) if isinstance(of, dict) else of
    return f"to_regclass({literal(quoted(path))})"


def regtype(path: Sequence[str]) -> str:
    return f"to_regtype({literal(quoted(path))})"


def all_of(conditions: Iterable[str | None]) -> str | None:
    """All conditions that can be asked; a statement is atomic, so what is known speaks for all."""
    known = [condition for condition in conditions if condition]
    return " AND ".join(f"({condition})" for condition in known) or None


def relation_exists(path: Sequence[str], kinds: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_class"
        f" WHERE oid = {regclass(path)} AND relkind IN ({kinds}))"
    )


def has_column(table: Node | Sequence[str], name: str, condition: str = "") -> str:
    extra = f" AND {condition}" if condition else ""
    return (
        f"EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {regclass(table)}"
        f" AND a.attname = {literal(name)} AND a.attnum > 0 AND NOT a.attisdropped{extra})"
    )


def type_condition(type_name: Node) -> str:
    """The column has this type with these modifiers."""
    read = read_type(type_name)
    path = read.name.split(".")
    if path[-1] in SERIAL_TYPES:
        path = [SERIAL_TYPES[path[-1]]]
    wanted = f"to_regtype({literal(quoted(path) + ('[]' if read.array else ''))})"
    condition = f"a.atttypid = {wanted}"
    if path[-1] != "interval" and all(m.lstrip("-").isdigit() for m in read.modifiers):
        shown = "coalesce(substring(format_type(a.atttypid, a.atttypmod) FROM '\\((.*)\\)'), '')"
        condition += f" AND {shown} = {literal(','.join(read.modifiers))}"
    return condition


def constraint(table: Node | Sequence[str], condition: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_constraint k"
        f" WHERE k.conrelid = {regclass(table)} AND {condition})"
    )


def attnums(columns: Sequence[str], table: str) -> str:
    """The numbers of columns as a smallint array, in the order of the names."""
    names = ", ".join(map(literal, columns))
    return (
        "(SELECT array_agg(a.attnum ORDER BY wanted.position) FROM"
        f" unnest(ARRAY[{names}]) WITH ORDINALITY AS wanted(name, position)"
        f" JOIN pg_catalog.pg_attribute a ON a.attrelid = {table} AND a.attname = wanted.name)"
    )


def inherits(child: Node, parent: Node, pending: str = "") -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_inherits"
        f" WHERE inhrelid = {regclass(child)} AND inhparent = {regclass(parent)}{pending})"
    )


def extension(name: str) -> str:
    return f"EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = {literal(name)})"


HANGERS: Mapping[str, tuple[str, str, str]] = {
    "OBJECT_TRIGGER": ("pg_trigger", "tgrelid", "tgname"),
    "OBJECT_POLICY": ("pg_policy", "polrelid", "polname"),
    "OBJECT_RULE": ("pg_rewrite", "ev_class", "rulename"),
}


def hanger(kind: str, table: Node | Sequence[str], name: str, more: str = "") -> str:
    """A trigger, policy or rule of a table exists."""
    catalog, relation, named = HANGERS[kind]
    return (
        f"EXISTS (SELECT FROM pg_catalog.{catalog} WHERE {relation} = {regclass(table)}"
        f" AND {named} = {literal(name)}{more})"
    )


def regprocedure(name: Sequence[str], types: Sequence[Node]) -> str:
    signature = ", ".join(_type_text(each) for each in types)
    return f"to_regprocedure({literal(f'{quoted(name)}({signature})')})"


def _type_text(node: Node) -> str:
    read = read_type(node)
    return quoted(read.name.split(".")) + ("[]" if read.array else "")


def statistics(path: Sequence[str]) -> str:
    schema = (
        f"stxnamespace = to_regnamespace({literal(quoted(path[:-1]))})"
        if len(path) > 1
        else "pg_catalog.pg_statistics_obj_is_visible(oid)"
    )
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_statistic_ext"
        f" WHERE stxname = {literal(path[-1])} AND {schema})"
    )
