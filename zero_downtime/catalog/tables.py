"""The facts in CREATE TABLE, ALTER TABLE and CREATE DOMAIN: one for each column and constraint."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pglast import parser

from zero_downtime.catalog.facts import Fact, Identity
from zero_downtime.catalog.statement import Node, Text, dotted, relation_of
from zero_downtime.postgres.names import quoted


def domain_facts(node: Node, text: Text, position: int) -> Iterator[Fact]:
    """A domain, its default, NOT NULL and checks."""
    domain = dotted(node["domainname"])
    constraints = [entry["Constraint"] for entry in node.get("constraints", ())]
    starts = [constraint["location"] for constraint in constraints]
    ends = [*starts[1:], text.end][: len(starts)]
    base = text.between(node["typeName"]["location"], starts[0] if starts else text.end)
    yield Fact(Identity("domain", domain), base, text.sql, position)
    for constraint, start, end in zip(constraints, starts, ends, strict=True):
        words = text.between(start, end)
        alter = f"ALTER DOMAIN {domain}"
        if constraint["contype"] == "CONSTR_DEFAULT":
            identity = Identity("domain default", domain)
            expression = words.removeprefix("DEFAULT ")
            yield Fact(identity, expression, f"{alter} SET {words}", position)
        elif constraint["contype"] == "CONSTR_NOTNULL":
            yield Fact(
                Identity("domain not null", domain), words, f"{alter} SET NOT NULL", position
            )
        else:
            name = quoted(constraint["conname"])
            definition = words.removeprefix(f"CONSTRAINT {name} ")
            identity = Identity("domain constraint", name, of=domain)
            yield Fact(identity, definition, f"{alter} ADD {words}", position)


def table_facts(node: Node, text: Text, settings: str, position: int) -> Iterator[Fact]:
    """A table, its columns and its constraints."""
    table = relation_of(node["relation"])
    if "ofTypename" in node:
        yield Fact(Identity("table", table), text.sql + settings, text.sql, position)
        return
    elements = [next(iter(element.values())) for element in node.get("tableElts", ())]
    starts = [element["location"] for element in elements]
    close = _closing_parenthesis(text)
    ends = [*starts[1:], close][: len(starts)]
    head = "UNLOGGED TABLE" if node["relation"].get("relpersistence") == "u" else "TABLE"
    if text.sql.startswith("CREATE FOREIGN"):
        head = "FOREIGN TABLE"
    tail = text.between(close + 1, text.end)
    definition = " ".join(part for part in (head, tail) if part) + settings
    yield Fact(Identity("table", table), definition, text.sql + settings, position)
    for element, start, end in zip(elements, starts, ends, strict=True):
        # The comma after an element belongs to no element.
        own = text.between(start, end).removesuffix(",").rstrip()
        if "colname" in element:
            yield from _column_facts(table, element, text, start + len(own.encode()), position)
        else:
            yield _constraint_fact(table, element, own, position)


def _column_facts(table: str, column: Node, text: Text, end: int, position: int) -> Iterator[Fact]:
    name = quoted(column["colname"])
    pieces: list[tuple[int, str, Node]] = [(column["typeName"]["location"], "type", {})]
    if "collClause" in column:
        pieces.append((column["collClause"]["location"], "collation", {}))
    for entry in column.get("constraints", ()):
        constraint = entry["Constraint"]
        pieces.append((constraint["location"], constraint["contype"], constraint))
    pieces.sort(key=lambda piece: piece[0])
    ends = [piece[0] for piece in pieces[1:]] + [end]
    said = {
        kind: text.between(start, stop) for (start, kind, _), stop in zip(pieces, ends, strict=True)
    }
    type_ = " ".join(filter(None, (said.pop("type"), said.pop("collation", ""))))
    yield Fact(
        Identity("column", name, table),
        type_,
        f"ALTER TABLE {table} ADD COLUMN {name} {type_}",
        position,
    )
    alter = f"ALTER TABLE {table} ALTER COLUMN {name}"
    for kind, words in said.items():
        if kind == "CONSTR_DEFAULT":
            expression = words.removeprefix("DEFAULT ")
            sql = f"{alter} SET DEFAULT {expression}"
            yield Fact(Identity("default", name, table), expression, sql, position)
        elif kind == "CONSTR_NOTNULL":
            sql = f"{alter} SET NOT NULL"
            yield Fact(Identity("not null", name, table), words, sql, position)
        elif kind == "CONSTR_GENERATED":
            sql = f"ALTER TABLE {table} ADD COLUMN {name} {type_} {words}"
            yield Fact(Identity("generated", name, table), words, sql, position)
        else:
            yield Fact(Identity(kind.lower(), name, table), words, f"{alter} {words}", position)


def _constraint_fact(table: str, constraint: Node, words: str, position: int) -> Fact:
    if constraint["contype"] == "CONSTR_NOTNULL":  # of an inherited column, or NOT VALID
        column = quoted(constraint["keys"][0]["String"]["sval"])
        sql = f"ALTER TABLE {table} ADD {words}"
        definition = words.replace(f"NOT NULL {column}", "NOT NULL", 1)
        return Fact(Identity("not null", column, table), definition, sql, position)
    name = quoted(constraint["conname"])
    definition = words.removeprefix(f"CONSTRAINT {name} ")
    sql = f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
    return Fact(Identity("constraint", name, table), definition, sql, position)


def alter_facts(node: Node, text: Text, position: int) -> Iterator[Fact]:
    """What ALTER TABLE adds to a relation."""
    relation = relation_of(node["relation"])
    for entry in node["cmds"]:
        command = entry["AlterTableCmd"]
        kind = command["subtype"]
        name = quoted(command["name"]) if "name" in command else ""
        if kind == "AT_AddConstraint":
            constraint = command["def"]["Constraint"]
            words = text.between(constraint["location"], text.end)
            yield _constraint_fact(relation, constraint, words, position)
        elif kind == "AT_ColumnDefault":
            _, _, expression = text.sql.partition(f"ALTER COLUMN {name} SET DEFAULT ")
            yield Fact(Identity("default", name, relation), expression, text.sql, position)
        elif kind == "AT_SetNotNull":  # of a column that a child inherits, before 18
            yield Fact(Identity("not null", name, relation), "NOT NULL", text.sql, position)
        elif kind == "AT_AddIdentity":
            _, _, words = text.sql.partition(f"ALTER COLUMN {name} ADD ")
            yield Fact(Identity("identity", name, relation), words, text.sql, position)
        elif kind == "AT_AttachPartition":
            child = relation_of(command["def"]["PartitionCmd"]["name"])
            if node["objtype"] == "OBJECT_INDEX":
                identity = Identity("index partition", child, of=relation)
            else:
                identity = Identity("partition", child, of=relation)
            yield Fact(identity, text.sql, text.sql, position)
        elif kind == "AT_ChangeOwner":
            yield Fact(Identity("owner", relation), text.sql, text.sql, position)
        else:
            # One fact a sub-command and a name: "set statistics total of public.orders".
            words = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.removeprefix("AT_")).lower()
            words = re.sub(r"(?:enable|disable)(?: replica| always)? trig", "trigger state", words)
            words = re.sub(r"(?:enable|disable)(?: replica| always)? rule", "rule state", words)
            if kind in ("AT_ClusterOn", "AT_ReplicaIdentity", "AT_SetAccessMethod"):
                name = ""  # a table has one of these, whichever it names
            name = name or str(command.get("num", ""))  # a column of an index
            yield Fact(Identity(words, name, relation), text.sql, text.sql, position)


def _closing_parenthesis(text: Text) -> int:
    """The byte offset of the parenthesis that closes the list of a CREATE TABLE."""
    depth = 0
    for token in parser.scan(text.sql):
        if token.name == "ASCII_40":
            depth += 1
        elif token.name == "ASCII_41":
            depth -= 1
            if depth == 0:
                return text.start + len(text.sql[: token.start].encode())
    return text.end
