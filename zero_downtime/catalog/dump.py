"""A schema dump split into facts.

The traps of "the dump is the catalog" that are met here: SET lines carry the tablespace and the
access method of the statement after them; one identity may have several statements (of a view
the last one wins, of other things all belong together); newer programs write ``\\restrict`` lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from pglast import parser

from zero_downtime.catalog.facts import Catalog, Fact, Identity, without_meta_commands
from zero_downtime.catalog.identities import commented, identity_of
from zero_downtime.catalog.statement import Node, Text, after_is, dotted, relation_of
from zero_downtime.catalog.tables import alter_facts, domain_facts, table_facts
from zero_downtime.postgres.names import qualified, quoted

_HEADER = re.compile(r"^-- Name: (.*); Type: (.*); Schema: (.*?); Owner:", re.MULTILINE)


def load_catalog(dump: str, major: int) -> Catalog:
    """The catalog that a dump's text states (without what pg_dump hides)."""
    return Catalog(load_facts(dump), dump, major)


def load_facts(dump: str) -> dict[Identity, Fact]:
    """The facts of a schema dump."""
    facts: dict[Identity, Fact] = {}
    for fact in _facts(dump):
        before = facts.get(fact.identity)
        if before is None or fact.identity.kind in _LAST_ONE_WINS:
            facts[fact.identity] = fact
        elif fact.identity.kind.endswith(" privileges"):
            # One list of REVOKE and GRANT an object, whose order tells only who came first.
            lines = sorted({*before.statements, fact.sql}, key=_revoke_first)
            facts[fact.identity] = several(fact.identity, lines, before.position)
        else:
            lines = [*before.statements, fact.sql]
            facts[fact.identity] = several(fact.identity, lines, before.position)
    return facts


# A view that is grouped by its primary key comes as a dummy first; the others say one thing once.
_LAST_ONE_WINS = {"view", "default", "identity", "column", "not null", "constraint"}


def several(identity: Identity, statements: list[str], position: int) -> Fact:
    """A fact that takes several statements."""
    first, *more = statements
    return Fact(identity, ";\n".join(statements), first, position, tuple(more))


def _revoke_first(line: str) -> tuple[bool, bool, str]:
    return "REVOKE " not in line, " GRANTED BY " in line, line


def _facts(dump: str) -> Iterator[Fact]:
    data = without_meta_commands(dump).encode()
    header = ("", "", "")
    tablespace = access_method = grantor = ""
    position = previous_end = 0
    # Byte offsets: libpg_query counts bytes, Python characters.
    for entry in msgspec.json.decode(parser.parse_sql_json(data.decode())).get("stmts", ()):
        start = entry.get("stmt_location", 0)
        end = start + entry["stmt_len"] if "stmt_len" in entry else len(data)
        headers = _HEADER.findall(data[previous_end:start].decode())
        header = headers[-1] if headers else header
        previous_end = end
        sql = data[start:end].decode()
        ((kind, node),) = entry["stmt"].items()
        if kind == "VariableSetStmt":
            value = _argument(node)
            if node["name"] == "default_tablespace":
                tablespace = value
            elif node["name"] == "default_table_access_method":
                access_method = "" if value == "heap" else value
            elif node["name"] == "session_authorization":
                grantor = value
            continue
        if kind == "SelectStmt":
            continue
        position += 1
        settings = _settings(kind, node, access_method, tablespace)
        text = Text(data, start, sql)
        for fact in _statement_facts(kind, node, text, header, settings, position):
            yield _granted_by(fact, grantor) if grantor else fact


def _settings(kind: str, node: Node, access_method: str, tablespace: str) -> str:
    """What the SET lines before a statement add to it."""
    if kind == "CreateForeignTableStmt":
        return ""
    heap = not access_method or "partspec" in node  # a partitioned table stores nothing
    return ("" if heap else f" USING {quoted(access_method)}") + (
        f" TABLESPACE {quoted(tablespace)}" if tablespace else ""
    )


def _granted_by(fact: Fact, grantor: str) -> Fact:
    """A GRANT by somebody who has it WITH GRANT OPTION."""
    sql = f"{fact.sql} GRANTED BY {quoted(grantor)}"
    return Fact(fact.identity, sql, sql, fact.position)


def _statement_facts(
    kind: str,
    node: Node,
    text: Text,
    header: tuple[str, str, str],
    settings: str,
    position: int,
) -> Iterator[Fact]:
    sql = text.sql
    if kind == "CreateStmt":
        yield from table_facts(node, text, settings, position)
    elif kind == "CreateForeignTableStmt":
        yield from table_facts(node["base"], text, settings, position)
    elif kind == "AlterTableStmt":
        yield from alter_facts(node, text, position)
    elif kind == "CreateDomainStmt":
        yield from domain_facts(node, text, position)
    elif kind == "AlterDomainStmt":
        constraint = node["def"]["Constraint"]
        name = quoted(constraint["conname"])
        words = text.between(constraint["location"], text.end)
        identity = Identity("domain constraint", name, of=dotted(node["typeName"]))
        yield Fact(identity, words.removeprefix(f"CONSTRAINT {name} "), sql, position)
    elif kind == "IndexStmt":
        of = relation_of(node["relation"])
        name = qualified(node["relation"].get("schemaname", ""), node["idxname"])
        _, _, rest = sql.partition(f"INDEX {quoted(node['idxname'])} ON ")
        unique = "UNIQUE " if node.get("unique") else ""
        identity = Identity("index", name, of=of)
        tail = "".join(settings.partition(" TABLESPACE ")[1:])
        head, where = _at_where(rest) if tail and "whereClause" in node else (rest, "")
        rest = f"{head}{tail}{where}"
        sql = f"{sql[: len(sql) - len(head + where)]}{rest}"
        yield Fact(identity, f"{unique}INDEX ON {rest}", sql, position)
    elif kind == "CreateTableAsStmt":
        name = relation_of(node["into"]["rel"])
        sql = _with_settings(sql, settings)
        yield Fact(Identity("materialized view", name), sql, sql, position)
    elif kind == "CommentStmt":
        comment = after_is(sql)
        yield Fact(commented(node, text), comment, sql, position)
    else:
        yield Fact(identity_of(kind, node, text, header), sql, sql, position)


def _at_where(definition: str) -> tuple[str, str]:
    """The definition of an index up to its predicate, and that: a tablespace stands between."""
    depth = 0
    data = definition.encode()
    for token in parser.scan(definition):
        if depth == 0 and token.name == "WHERE":
            return data[: token.start - 1].decode(), data[token.start - 1 :].decode()
        depth += {"ASCII_40": 1, "ASCII_41": -1}.get(token.name, 0)
    return definition, ""


def _with_settings(sql: str, settings: str) -> str:
    """CREATE MATERIALIZED VIEW with its access method and tablespace, which stand before AS."""
    if not settings:
        return sql
    head, as_, query = sql.partition(" AS\n")
    return f"{head}{settings}{as_}{query}"


def _argument(node: Node) -> str:
    for entry in node.get("args", ()):
        constant = entry.get("A_Const", {})
        return str(constant.get("sval", {}).get("sval", ""))
    return ""
