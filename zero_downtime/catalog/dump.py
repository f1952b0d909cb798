"""A schema dump split into facts.

The traps of "the dump is the catalog" that are met here: SET lines carry the tablespace and the
access method of the statement after them; one identity may have several statements (of a view
the last one wins, of other things all belong together); newer programs write ``\\restrict`` lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from pglast import parser

from zero_downtime.catalog.facts import Catalog, Fact, Identity, without_meta_commands
from zero_downtime.postgres.names import qualified, quoted

_HEADER = re.compile(r"^-- Name: (.*); Type: (.*); Schema: (.*?); Owner:", re.MULTILINE)

Node = dict[str, Any]


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
        text = _Text(data, start, sql)
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


class _Text:
    """A statement's text, sliced by the byte offsets of the whole dump."""

    def __init__(self, data: bytes, start: int, sql: str) -> None:
        self._data = data
        self.start = start
        self.sql = sql
        self.end = start + len(sql.encode())

    def between(self, start: int, end: int) -> str:
        return self._data[start:end].decode().strip()

    def type_at(self, start: int) -> str:
        """The type whose name begins at this byte."""
        rest = self._data[start : self.end].decode()
        depth = 0
        for token in parser.scan(rest):
            if depth == 0 and token.name in ("ASCII_41", "ASCII_44", "DEFAULT", "ASCII_61"):
                return rest[: token.start].rstrip()
            depth += {"ASCII_40": 1, "ASCII_41": -1}.get(token.name, 0)
        return rest.rstrip()


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
    elif kind == "CreateDomainStmt":
        yield from _domain_facts(node, text, position)
    elif kind == "AlterDomainStmt":
        constraint = node["def"]["Constraint"]
        name = quoted(constraint["conname"])
        words = text.between(constraint["location"], text.end)
        identity = Identity("domain constraint", name, of=_dotted(node["typeName"]))
        yield Fact(identity, words.removeprefix(f"CONSTRAINT {name} "), sql, position)
    elif kind == "IndexStmt":
        of = _relation(node["relation"])
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
        name = _relation(node["into"]["rel"])
        sql = _with_settings(sql, settings)
        yield Fact(Identity("materialized view", name), sql, sql, position)
    elif kind == "CommentStmt":
        comment = _after_is(sql)
        yield Fact(_commented(node, text), comment, sql, position)
    else:
        yield Fact(_identity(kind, node, text, header), sql, sql, position)


def _at_where(definition: str) -> tuple[str, str]:
    """The definition of an index up to its predicate, and that: a tablespace stands between."""
    depth = 0
    data = definition.encode()
    for token in parser.scan(definition):
        if depth == 0 and token.name == "WHERE":
            return data[: token.start - 1].decode(), data[token.start - 1 :].decode()
        depth += {"ASCII_40": 1, "ASCII_41": -1}.get(token.name, 0)
    return definition, ""


def _identity(kind: str, node: Node, text: _Text, header: tuple[str, str, str]) -> Identity:
    """What a statement is about that makes or alters one object as a whole.

    The dump's own header names the kind, so that whatever kinds PostgreSQL has, a difference in
    them is seen. The name is what DROP takes.
    """
    name, type_, schema = header
    what = type_.lower()
    schema = "" if schema == "-" else schema
    if kind == "ViewStmt":
        return Identity("view", _relation(node["view"]))
    if kind in _INSIDE_A_RELATION:
        what, name_key, relation_key = _INSIDE_A_RELATION[kind]
        return Identity(what, quoted(node[name_key]), of=_relation(node[relation_key]))
    if kind == "CreateSeqStmt":
        return Identity("sequence", _relation(node["sequence"]))
    if kind == "AlterSeqStmt":
        return Identity("sequence owner", _relation(node["sequence"]))
    if kind == "GrantStmt":
        return _granted(node, text)
    if kind == "AlterDefaultPrivilegesStmt":
        return Identity("default privileges", f"{name} in {schema or 'all schemas'}")
    if kind == "AlterOwnerStmt":
        return Identity("owner", _owned(node, text, what, qualified(schema, name)))
    if kind == "AlterPublicationStmt":
        member = node["pubobjects"][0]["PublicationObjSpec"]
        publication = quoted(node["pubname"])
        if "pubtable" in member:
            table = _relation(member["pubtable"]["relation"])
            return Identity("publication table", table, of=publication)
        return Identity("publication schema", quoted(member["name"]), of=publication)
    if kind == "CreateFunctionStmt":
        bare = node["funcname"][-1]["String"]["sval"]
        return Identity(what, qualified(schema, bare) + name[len(bare) :])
    if kind == "DefineStmt" and node["kind"] == "OBJECT_AGGREGATE":
        bare = node["defnames"][-1]["String"]["sval"]
        return Identity(what, qualified(schema, bare) + name[len(bare) :])
    if kind == "DefineStmt" and node["kind"] == "OBJECT_OPERATOR":
        return Identity(what, f"{quoted(schema)}.{name} ({_operands(node, text)})")
    if kind in ("CreateOpClassStmt", "CreateOpFamilyStmt", "AlterOpFamilyStmt"):
        return Identity(what, f"{qualified(schema, name)} USING {quoted(node['amname'])}")
    if what in ("cast", "transform"):
        return Identity(what, name.removeprefix(f"{type_} "))
    if what == "user mapping":
        mapping = re.match(r"CREATE USER MAPPING (FOR .+? SERVER \S+)", text.sql)
        return Identity(what, mapping[1] if mapping else name)
    return Identity(what, qualified(schema, name))


def _owned(node: Node, text: _Text, what: str, name: str) -> str:
    """What ALTER … OWNER TO is about: ``function shop.f(integer)``."""
    ((kind, thing),) = node["object"].items()
    if kind == "ObjectWithArgs" and what != "operator":
        return f"{what} {_routine(thing, text)}"
    words = text.sql.partition(" OWNER TO ")[0].removeprefix("ALTER ")
    known = _KIND_WORDS.match(words)
    return f"{what} {words[known.end() :]}" if known else f"{what} {name}"


_INSIDE_A_RELATION = {
    "CreateTrigStmt": ("trigger", "trigname", "relation"),
    "CreatePolicyStmt": ("policy", "policy_name", "table"),
    "RuleStmt": ("rule", "rulename", "relation"),
}


def _domain_facts(node: Node, text: _Text, position: int) -> Iterator[Fact]:
    domain = _dotted(node["domainname"])
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


def _with_settings(sql: str, settings: str) -> str:
    """CREATE MATERIALIZED VIEW with its access method and tablespace, which stand before AS."""
    if not settings:
        return sql
    head, as_, query = sql.partition(" AS\n")
    return f"{head}{settings}{as_}{query}"


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
    if constraint["contype"] == "CONSTR_NOTNULL":  # of an inherited column, or NOT VALID
        column = quoted(constraint["keys"][0]["String"]["sval"])
        sql = f"ALTER TABLE {table} ADD {words}"
        definition = words.replace(f"NOT NULL {column}", "NOT NULL", 1)
        return Fact(Identity("not null", column, table), definition, sql, position)
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
        elif kind == "AT_SetNotNull":  # of a column that a child inherits, before 18
            yield Fact(Identity("not null", name, relation), "NOT NULL", text.sql, position)
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
            words = re.sub(r"(?:enable|disable)(?: replica| always)? trig", "trigger state", words)
            words = re.sub(r"(?:enable|disable)(?: replica| always)? rule", "rule state", words)
            if kind in ("AT_ClusterOn", "AT_ReplicaIdentity", "AT_SetAccessMethod"):
                name = ""  # a table has one of these, whichever it names
            name = name or str(command.get("num", ""))  # a column of an index
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


def _dotted(names: list[Node]) -> str:
    return qualified(*(name["String"]["sval"] for name in names))


def _operands(node: Node, text: _Text) -> str:
    types = {"leftarg": "NONE", "rightarg": "NONE"}
    for entry in node["definition"]:
        element = entry["DefElem"]
        if element["defname"] in types:
            types[element["defname"]] = text.type_at(element["arg"]["TypeName"]["location"])
    return ", ".join(types.values())


def _routine(node: Node, text: _Text) -> str:
    """A function by the types of its arguments, from a statement that names the arguments too."""
    types = (text.type_at(entry["TypeName"]["location"]) for entry in node.get("objargs", ()))
    return f"{_dotted(node['objname'])}({', '.join(types)})"


def _argument(node: Node) -> str:
    for entry in node.get("args", ()):
        constant = entry.get("A_Const", {})
        return str(constant.get("sval", {}).get("sval", ""))
    return ""


def _granted(node: Node, text: _Text) -> Identity:
    """What a GRANT is about: ``table privileges public.orders``."""
    what = node["objtype"].removeprefix("OBJECT_").replace("_", " ").lower()
    ((kind, thing),) = node["objects"][0].items()
    if kind == "RangeVar":
        name = _relation(thing)
        columns = node.get("privileges", [{}])[0].get("AccessPriv", {}).get("cols")
        if columns:
            return Identity("column privileges", _dotted(columns), of=name)
    elif kind == "ObjectWithArgs":
        name = _routine(thing, text)
    elif kind == "List":
        name = _dotted(thing["items"])
    else:
        name = quoted(thing["sval"])
    return Identity(f"{what} privileges", name)


def _commented(node: Node, text: _Text) -> Identity:
    """What a COMMENT is about: ``view comment public.recent``, ``column comment total``."""
    what = node["objtype"].removeprefix("OBJECT_").lower()
    what = {"tabconstraint": "constraint", "domconstraint": "domain constraint"}.get(what, what)
    ((kind, thing),) = node["object"].items()
    if node["objtype"] == "OBJECT_DOMCONSTRAINT":
        domain, constraint = thing["items"]
        name = quoted(constraint["String"]["sval"])
        return Identity(f"{what} comment", name, of=_dotted(domain["TypeName"]["names"]))
    if what in ("column", "constraint", "trigger", "policy", "rule"):
        *relation, last = (item["String"]["sval"] for item in thing["items"])
        return Identity(f"{what} comment", quoted(last), of=qualified(*relation))
    # The rest is named as the statement names it.
    named = text.sql.removeprefix("COMMENT ON ").removesuffix(_after_is(text.sql))
    words = _KIND_WORDS.match(named)
    what, name = (words[0], named[words.end() :]) if words else ("", named)
    if kind == "ObjectWithArgs" and what != "OPERATOR ":
        name = _routine(thing, text)
    return Identity(f"{what.lower()}comment", name.rstrip().removesuffix(" IS"))


_KIND_WORDS = re.compile(r"(?:[A-Z]+ )+")


def _after_is(sql: str) -> str:
    """The constant of COMMENT ON … IS 'constant'."""
    for token in parser.scan(sql):
        if token.name == "IS":
            return sql[token.end + 1 :].strip()
    return sql
