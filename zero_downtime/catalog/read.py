"""Read a catalog: pg_dump's statements split into facts, plus what pg_dump hides.

The traps of "the dump is the catalog" that are met here: SET lines carry the tablespace and the
access method of the statement after them; one identity may have several statements (the last one
wins); an INVALID index is absent from the dump; newer programs write ``\\restrict`` lines.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
from pglast import parser

from zero_downtime.catalog.facts import (
    NOTHING_IGNORED,
    Catalog,
    Fact,
    Identity,
    without_meta_commands,
)
from zero_downtime.config import Ignore
from zero_downtime.errors import DatabaseError
from zero_downtime.postgres.names import qualified, quoted
from zero_downtime.postgres.server import Server, masked

_HEADER = re.compile(r"^-- Name: (.*); Type: (.*); Schema: (.*?); Owner:", re.MULTILINE)

INVALID_INDEXES = """
    SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text,
           pg_get_indexdef(i.indexrelid), c.relkind = 'I'
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relnamespace <> 'pg_toast'::regnamespace
"""

UNFILLED = """
    SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'm' AND NOT c.relispopulated
"""

Node = dict[str, Any]


def read_catalog(
    server: Server,
    database: str,
    *,
    url: str | None = None,
    ignore: Ignore | None = None,
    version_table: str = "alembic_version",
    lock_wait_ms: int = 5000,
) -> Catalog:
    """The catalog of a database on ``server``, or of a live one at ``url``.

    ``server`` lends its pg_dump, which reads servers of its own major and older. pg_dump takes
    ACCESS SHARE on every table and gives up after ``lock_wait_ms`` milliseconds. Raises
    DatabaseError when the database refuses.
    """
    conninfo = url or server.url(database)
    ignore = ignore or NOTHING_IGNORED
    arguments = [f"--exclude-schema={pattern}" for pattern in ignore.schemas]
    arguments += [f"--exclude-table={pattern}" for pattern in ignore.tables]
    if server.major >= 17:  # the option came with pg_dump 17
        arguments += [f"--exclude-extension={pattern}" for pattern in ignore.extensions]
    arguments += ["--no-owner"] if ignore.owners else []
    arguments += ["--no-privileges"] if ignore.privileges else []
    done = subprocess.run(
        [
            str(server.bin_dir / "pg_dump"),
            "--schema-only",
            f"--exclude-table=*.{version_table}",
            f"--lock-wait-timeout={lock_wait_ms}",
            "--no-password",
            *arguments,
            f"--dbname={conninfo}",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PGAPPNAME": "zd", "LC_ALL": "C"},
        check=False,
    )
    if done.returncode:
        raise _refusal(done.stderr, conninfo)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        major = connection.info.server_version // 10000
        connection.execute("SET search_path = ''")
        invalid = connection.execute(INVALID_INDEXES).fetchall()
        unfilled = connection.execute(UNFILLED).fetchall()
    facts = dict(_kept(load_facts(done.stdout), ignore))
    for index, table, definition, partitioned in invalid:
        kind = "invalid partitioned index" if partitioned else "invalid index"
        identity = Identity(kind, index, of=table)
        facts[identity] = Fact(identity, f"INVALID {definition}", definition, len(facts))
    notes = tuple(
        (Identity("materialized view", name), "is not filled: reading it fails until REFRESH")
        for (name,) in unfilled
    )
    return Catalog(facts, done.stdout, major, notes, ignore)


def load_catalog(dump: str, major: int) -> Catalog:
    """The catalog that a dump's text states (without what pg_dump hides)."""
    return Catalog(load_facts(dump), dump, major)


def load_facts(dump: str) -> dict[Identity, Fact]:
    """The facts of a schema dump; where one identity comes twice, the last one wins."""
    facts: dict[Identity, Fact] = {}
    for fact in _facts(dump):
        before = facts.get(fact.identity)
        if before is not None and fact.identity.kind == "privileges":
            # One list of GRANT and REVOKE per object, whose order tells only who came first.
            lines = sorted({*before.definition.split(";\n"), fact.definition})
            fact = Fact(fact.identity, ";\n".join(lines), ";\n".join(lines), before.position)
        facts[fact.identity] = fact
    return facts


def _refusal(said: str, conninfo: str) -> DatabaseError:
    reason = " ".join(said.replace("pg_dump: error: ", "").split("\n")[0].split())
    advice = "Check the URL and the server"
    if "permission denied" in said:
        advice = "pg_dump locks every table in ACCESS SHARE mode: grant SELECT on all of them"
    elif "lock timeout" in said or "canceling statement" in said:
        advice = "Another session holds a strong lock: try again when its DDL is done"
    elif "aborting because of server version mismatch" in said:
        advice = "Give programs of the server's major with --server BIN_DIR"
    return DatabaseError(database=masked(conninfo), reason=reason, advice=advice)


def _kept(facts: dict[Identity, Fact], ignore: Ignore) -> Iterator[tuple[Identity, Fact]]:
    def matches(name: str, patterns: tuple[str, ...]) -> bool:
        return any(fnmatch.fnmatchcase(name.strip('"'), pattern) for pattern in patterns)

    for identity, fact in facts.items():
        if identity.kind == "extension" and matches(identity.name, ignore.extensions):
            continue
        if identity.kind == "privileges":
            lines = [
                line
                for line in fact.definition.split(";\n")
                if not matches(line.rsplit(" ", 1)[-1], ignore.roles)
            ]
            if not lines:
                continue
            fact = Fact(identity, ";\n".join(lines), ";\n".join(lines), fact.position)
        yield identity, fact


def _facts(dump: str) -> Iterator[Fact]:
    data = without_meta_commands(dump).encode()
    header = ("", "", "")
    tablespace = access_method = ""
    position = previous_end = 0
    # Byte offsets: libpg_query counts bytes, Python characters.
    for entry in json.loads(parser.parse_sql_json(data.decode())).get("stmts", ()):
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
            continue
        if kind == "SelectStmt":
            continue
        position += 1
        settings = (f" USING {quoted(access_method)}" if access_method else "") + (
            f" TABLESPACE {quoted(tablespace)}" if tablespace else ""
        )
        text = _Text(data, start, sql)
        yield from _statement_facts(kind, node, text, header, settings, position)


class _Text:
    """A statement's text, sliced by the byte offsets of the whole dump."""

    def __init__(self, data: bytes, start: int, sql: str) -> None:
        self._data = data
        self.start = start
        self.sql = sql
        self.end = start + len(sql.encode())

    def between(self, start: int, end: int) -> str:
        return self._data[start:end].decode().strip()


def _statement_facts(
    kind: str,
    node: Node,
    text: _Text,
    header: tuple[str, str, str],
    settings: str,
    position: int,
) -> Iterator[Fact]:
    sql = text.sql
    if kind == "CreateStmt":
        yield from _table_facts(node, text, settings, position)
    elif kind == "CreateForeignTableStmt":
        yield from _table_facts(node["base"], text, settings, position)
    elif kind == "AlterTableStmt":
        yield from _alter_facts(node, text, position)
    elif kind == "IndexStmt":
        of = _relation(node["relation"])
        name = qualified(node["relation"].get("schemaname", ""), node["idxname"])
        _, _, rest = sql.partition(f"INDEX {quoted(node['idxname'])} ON ")
        unique = "UNIQUE " if node.get("unique") else ""
        identity = Identity("index", name, of=of)
        tail = settings.partition(" TABLESPACE ")
        yield Fact(identity, f"{unique}INDEX ON {rest}{tail[1]}{tail[2]}", sql + "".join(tail[1:]),
                   position)  # fmt: skip
    elif kind == "ViewStmt":
        yield Fact(Identity("view", _relation(node["view"])), sql, sql, position)
    elif kind == "CreateTableAsStmt":
        name = _relation(node["into"]["rel"])
        yield Fact(Identity("materialized view", name), sql + settings, sql, position)
    elif kind in _INSIDE_A_RELATION:
        kind_name, name_key, relation_key = _INSIDE_A_RELATION[kind]
        identity = Identity(kind_name, quoted(node[name_key]), of=_relation(node[relation_key]))
        yield Fact(identity, sql, sql, position)
    elif kind == "CreateSeqStmt":
        yield Fact(Identity("sequence", _relation(node["sequence"])), sql, sql, position)
    elif kind == "AlterSeqStmt":
        yield Fact(Identity("sequence owner", _relation(node["sequence"])), sql, sql, position)
    elif kind == "CommentStmt":
        yield Fact(_commented(node, header), sql, sql, position)
    elif kind in ("GrantStmt", "AlterDefaultPrivilegesStmt"):
        name = f"{header[0]} in {header[2]}"
        yield Fact(Identity("privileges", name), sql, sql, position)
    elif kind == "AlterOwnerStmt":
        yield Fact(Identity("owner", f"{header[1].lower()} {_named(header)}"), sql, sql, position)
    elif kind == "AlterPublicationStmt":
        yield Fact(Identity("publication member", f"{_named(header)}"), sql, sql, position)
    else:
        # Everything else is one statement an object, named by the dump itself: whatever kinds
        # PostgreSQL has, a difference in them is seen.
        yield Fact(Identity(header[1].lower(), _named(header)), sql, sql, position)


_INSIDE_A_RELATION = {
    "CreateTrigStmt": ("trigger", "trigname", "relation"),
    "CreatePolicyStmt": ("policy", "policy_name", "table"),
    "RuleStmt": ("rule", "rulename", "relation"),
}


def _table_facts(node: Node, text: _Text, settings: str, position: int) -> Iterator[Fact]:
    table = _relation(node["relation"])
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


def _column_facts(table: str, column: Node, text: _Text, end: int, position: int) -> Iterator[Fact]:
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
    name = quoted(constraint["conname"])
    definition = words.removeprefix(f"CONSTRAINT {name} ")
    sql = f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
    return Fact(Identity("constraint", name, table), definition, sql, position)


def _alter_facts(node: Node, text: _Text, position: int) -> Iterator[Fact]:
    relation = _relation(node["relation"])
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
        elif kind == "AT_AddIdentity":
            _, _, words = text.sql.partition(f"ALTER COLUMN {name} ADD ")
            yield Fact(Identity("identity", name, relation), words, text.sql, position)
        elif kind == "AT_AttachPartition":
            child = _relation(command["def"]["PartitionCmd"]["name"])
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
            yield Fact(Identity(words, name, relation), text.sql, text.sql, position)


def _closing_parenthesis(text: _Text) -> int:
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


def _relation(node: Node) -> str:
    return qualified(node.get("schemaname", ""), node["relname"])


def _named(header: tuple[str, str, str]) -> str:
    name, _, schema = header
    return name if schema == "-" else f"{schema}.{name}"


def _argument(node: Node) -> str:
    for entry in node.get("args", ()):
        constant = entry.get("A_Const", {})
        return str(constant.get("sval", {}).get("sval", ""))
    return ""


def _commented(node: Node, header: tuple[str, str, str]) -> Identity:
    if node["objtype"] == "OBJECT_COLUMN":
        *table, column = (i["String"]["sval"] for i in node["object"]["List"]["items"])
        return Identity("column comment", quoted(column), of=qualified(*table))
    if node["objtype"] in ("OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY"):
        *table, name = (i["String"]["sval"] for i in node["object"]["List"]["items"])
        return Identity("comment", quoted(name), of=qualified(*table))
    return Identity("comment", f"{header[0]} in {header[2]}")
