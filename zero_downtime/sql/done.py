"""Whether a statement's effect is already in the catalog, asked with a query made from its text.

An upgrade that was killed is simply run again: each statement is skipped when this query says
true. A look-alike (an index of that name on another table, an INVALID one, a column of another
type) is not the effect. None means that the text does not tell; such a statement runs again.

The queries return one boolean, contain no percent sign (a driver's placeholder) and lock nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from zero_downtime.sql.lexer import tokens
from zero_downtime.sql.tree import (
    Node,
    NotParsed,
    constant,
    fields_of,
    kind_of,
    names_of,
    parse,
    path_of,
    text_of,
)
from zero_downtime.sql.types import SERIAL_TYPES, read_type

Test = Callable[[Node, str], "str | None"]

_KINDS: Mapping[str, str] = {
    "OBJECT_TABLE": "'r', 'p'",
    "OBJECT_VIEW": "'v'",
    "OBJECT_MATVIEW": "'m'",
    "OBJECT_SEQUENCE": "'S'",
    "OBJECT_FOREIGN_TABLE": "'f'",
    "OBJECT_INDEX": "'i', 'I'",
}
_CONTYPES: Mapping[str, str] = {
    "CONSTR_CHECK": "c",
    "CONSTR_FOREIGN": "f",
    "CONSTR_PRIMARY": "p",
    "CONSTR_UNIQUE": "u",
    "CONSTR_EXCLUSION": "x",
    "CONSTR_NOTNULL": "n",
}


def done_query(sql: str) -> str | None:
    """A SELECT of one boolean, true when the catalog already shows the statement's effect."""
    try:
        kind, node = parse(sql)
    except NotParsed:
        return None
    test = _TESTS.get(kind)
    condition = test(node, sql) if test else None
    return f"SELECT coalesce({condition}, false)" if condition else None


def leftover_query(sql: str) -> str | None:
    """A SELECT of the names (quoted, with schema) of INVALID indexes that a killed run left.

    Drop each with DROP INDEX CONCURRENTLY before the statement runs again. What another session
    is just building is not listed. None for a statement that leaves nothing behind.
    """
    try:
        kind, node = parse(sql)
    except NotParsed:
        return None
    if kind == "IndexStmt" and node.get("concurrent") and "idxname" in node:
        name = re.escape(node["idxname"])
        return _leftovers(
            f"i.indrelid = {_regclass(node['relation'])}"
            f" AND c.relname ~ {_literal(f'^{name}(_ccnew[0-9]*)?$')}"
        )
    if kind == "ReindexStmt" and "relation" in node:
        names = {fields_of(item)["defname"] for item in node.get("params", ())}
        if "concurrently" not in names:
            return None
        of = _regclass(node["relation"])
        table = of
        if node["kind"] == "REINDEX_OBJECT_INDEX":
            table = f"(SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = {of})"
        return _leftovers(f"i.indrelid = {table} AND c.relname ~ '_cc(new|old)[0-9]*$'")
    return None


def _leftovers(condition: str) -> str:
    return (
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
        " FROM pg_catalog.pg_index i"
        " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE NOT i.indisvalid AND c.relkind = 'i' AND {condition}"
        " AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p"
        " WHERE p.index_relid = i.indexrelid) ORDER BY c.relname"
    )


# Pieces of SQL


def _literal(text: str) -> str:
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def _quoted(path: Sequence[str]) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in path)


def _path(range_var: Node) -> tuple[str, ...]:
    names = (range_var.get("schemaname"), range_var["relname"])
    return tuple(name for name in names if name)


def _regclass(of: Node | Sequence[str]) -> str:
    path = _path(of) if isinstance(of, dict) else of
    return f"to_regclass({_literal(_quoted(path))})"


def _regtype(path: Sequence[str]) -> str:
    return f"to_regtype({_literal(_quoted(path))})"


def _all(conditions: Iterable[str | None]) -> str | None:
    """All conditions that can be asked; a statement is atomic, so what is known speaks for all."""
    known = [condition for condition in conditions if condition]
    return " AND ".join(f"({condition})" for condition in known) or None


def _relation_exists(path: Sequence[str], kinds: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_class"
        f" WHERE oid = {_regclass(path)} AND relkind IN ({kinds}))"
    )


def _column(table: Node | Sequence[str], name: str, condition: str = "") -> str:
    extra = f" AND {condition}" if condition else ""
    return (
        f"EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {_regclass(table)}"
        f" AND a.attname = {_literal(name)} AND a.attnum > 0 AND NOT a.attisdropped{extra})"
    )


def _type_condition(type_name: Node) -> str:
    """The column has this type with these modifiers."""
    read = read_type(type_name)
    path = read.name.split(".")
    if path[-1] in SERIAL_TYPES:
        path = [SERIAL_TYPES[path[-1]]]
    wanted = f"to_regtype({_literal(_quoted(path) + ('[]' if read.array else ''))})"
    condition = f"a.atttypid = {wanted}"
    if path[-1] != "interval" and all(m.lstrip("-").isdigit() for m in read.modifiers):
        shown = "coalesce(substring(format_type(a.atttypid, a.atttypmod) FROM '\\((.*)\\)'), '')"
        condition += f" AND {shown} = {_literal(','.join(read.modifiers))}"
    return condition


# Words of an expression: the server prints expressions in its own form (casts, parentheses,
# IN as = ANY), so what is compared is the names, literals and comparisons in them.

_CAST = (
    r'::\s*("[^"]+"|\w+)(\.("[^"]+"|\w+))?( varying| precision| with(out)? time zone)?'
    r"(\([0-9, ]+\))?(\[\])*"
)
_WORD = r"('([^']|'')*'|\"[^\"]+\"|\w+|<>|<=|>=|<|>)"
_SAID_OTHERWISE = (
    "any|all|array|in|and|or|not|is|null|between|like|ilike|cast|as|collate|"
    "current_timestamp|now|value"
)


def _words(expression: str) -> list[str]:
    """The words of an expression as written; the same is done by _server_words on the server."""
    bare = re.sub(_CAST, "", expression.replace("!=", "<>"))
    bare = re.sub(r"\b(cast)\s*\(([^()]*)\s+as\s+[\w ]+(\([0-9, ]+\))?\)", r"\2", bare, flags=re.I)
    found = {match[0].replace('"', "") for match in re.finditer(_WORD, bare)}
    kept = {word if word[0] == "'" else word.lower() for word in found}
    return sorted(word for word in kept if not re.fullmatch(_SAID_OTHERWISE, word))


def _same_words(server_text: str, expression: str) -> str:
    """A condition: the expression that the server prints has the same words."""
    mine = _words(expression)
    if re.search(r"\bbetween\b", expression, re.IGNORECASE):
        return f"{server_text} IS NOT NULL"
    theirs = (
        "(SELECT coalesce(array_agg(DISTINCT w), ARRAY[]::text[])"
        " FROM (SELECT CASE WHEN m[1] ~ '^''' THEN m[1]"
        " ELSE lower(replace(m[1], '\"', '')) END AS w"
        f" FROM regexp_matches(regexp_replace({server_text}, {_literal(_CAST)}, '', 'g'),"
        f" {_literal(_WORD)}, 'g') AS m) AS words"
        f" WHERE w !~ '^({_SAID_OTHERWISE})$')"
    )
    array = f"ARRAY[{', '.join(map(_literal, mine))}]::text[]"
    return f"{theirs} @> {array} AND {theirs} <@ {array}"


def _text_after(sql: str, word: str) -> str:
    """What follows the last such keyword outside parentheses, up to the end."""
    depth = 0
    found = len(sql)
    for token in tokens(sql):
        if token.kind == "open":
            depth += 1
        elif token.kind == "close":
            depth -= 1
        elif depth == 0 and sql[token.start : token.end].lower() == word:
            found = token.end
    return sql[found:]


def _check_text(sql: str, fields: Node) -> str | None:
    """The text between the parentheses of CHECK (…), found by the constraint's place."""
    encoded = sql.encode()[fields.get("location", 0) :].decode(errors="replace")
    found = re.search(r"\bcheck\s*\(", encoded, re.IGNORECASE)
    if not found:
        return None
    depth = 0
    for token in tokens(encoded, found.end() - 1):
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth == 0:
            return encoded[found.end() : token.start]
    return None


def _default_text(sql: str, name: str) -> str | None:
    found = re.search(
        rf'"?{re.escape(name)}"?\s+set\s+default\s+(.*)$', sql, re.IGNORECASE | re.DOTALL
    )
    return found[1] if found else None


# Tests


def _create_index(node: Node, sql: str) -> str | None:
    if "idxname" not in node:
        return None
    elements = [fields_of(item) for item in node.get("indexParams", ())]
    included = [fields_of(item) for item in node.get("indexIncludingParams", ())]
    only = not node["relation"].get("inh")
    conditions = [
        f"c.relname = {_literal(node['idxname'])}",
        f"i.indrelid = {_regclass(node['relation'])}",
        f"i.indisunique = {'true' if node.get('unique') else 'false'}",
        f"am.amname = {_literal(node.get('accessMethod', 'btree'))}",
        f"i.indnkeyatts = {len(elements)}",
        f"i.indnatts = {len(elements) + len(included)}",
        f"i.indpred IS {'NOT NULL' if 'whereClause' in node else 'NULL'}",
    ]
    if node.get("nulls_not_distinct"):
        conditions.append("i.indnullsnotdistinct")
    if not only:
        conditions.append("i.indisvalid AND i.indisready")
    for position, element in enumerate([*elements, *included]):
        conditions += _index_element(position, element, key=position < len(elements))
    if "whereClause" in node:
        printed = "pg_get_expr(i.indpred, i.indrelid)"
        conditions.append(_same_words(printed, _text_after(sql, "where")))
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_index i"
        " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_catalog.pg_am am ON am.oid = c.relam"
        f" WHERE {' AND '.join(conditions)})"
    )


def _index_element(position: int, element: Node, key: bool) -> list[str]:
    conditions: list[str] = []
    if "name" in element:
        conditions.append(
            f"i.indkey[{position}] = (SELECT attnum FROM pg_catalog.pg_attribute"
            f" WHERE attrelid = i.indrelid AND attname = {_literal(element['name'])})"
        )
    else:
        conditions.append(f"i.indkey[{position}] = 0")
    if not key:
        return conditions
    descending = element.get("ordering") == "SORTBY_DESC"
    nulls = element.get("nulls_ordering", "SORTBY_NULLS_DEFAULT")
    first = nulls == "SORTBY_NULLS_FIRST" or (descending and nulls == "SORTBY_NULLS_DEFAULT")
    conditions.append(f"i.indoption[{position}] = {int(descending) + 2 * int(first)}")
    if "opclass" in element:
        name = names_of(element["opclass"])[-1]
        conditions.append(
            f"i.indclass[{position}] IN (SELECT oid FROM pg_catalog.pg_opclass"
            f" WHERE opcname = {_literal(name)})"
        )
    return conditions


def _alter_table(node: Node, sql: str) -> str | None:
    if node.get("objtype") == "OBJECT_TYPE":
        return None
    table = node["relation"]
    conditions = []
    for item in node.get("cmds", ()):
        command = fields_of(item)
        test = _SUBCOMMANDS.get(command["subtype"])
        conditions.append(test(table, command, sql) if test else None)
    return _all(conditions)


def _add_column(table: Node, command: Node, sql: str) -> str | None:
    definition = fields_of(command["def"])
    return _column(table, definition["colname"], _type_condition(definition["typeName"]))


def _drop_column(table: Node, command: Node, sql: str) -> str | None:
    return f"NOT {_column(table, command['name'])}"


def _set_not_null(table: Node, command: Node, sql: str) -> str | None:
    # From 18 on attnotnull is set for a NOT VALID constraint as well.
    return _column(
        table,
        command["name"],
        "a.attnotnull AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k"
        " WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]"
        " AND NOT k.convalidated)",
    )


def _drop_not_null(table: Node, command: Node, sql: str) -> str | None:
    return _column(table, command["name"], "NOT a.attnotnull")


def _column_default(table: Node, command: Node, sql: str) -> str | None:
    if "def" not in command:
        return _column(table, command["name"], "NOT a.atthasdef")
    text = _default_text(sql, command["name"])
    if text is None or "," in text:
        return None
    printed = (
        "(SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d"
        " WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)"
    )
    return _column(table, command["name"], f"a.atthasdef AND {_same_words(printed, text)}")


def _alter_type(table: Node, command: Node, sql: str) -> str | None:
    definition = fields_of(command["def"])
    condition = _type_condition(definition["typeName"])
    if "collClause" in definition:
        name = names_of(definition["collClause"]["collname"])[-1]
        condition += (
            " AND a.attcollation IN (SELECT oid FROM pg_catalog.pg_collation"
            f" WHERE collname = {_literal(name)})"
        )
    return _column(table, command["name"], condition)


def _attribute_is(column: str, values: str) -> Callable[[Node, Node, str], str | None]:
    def test(table: Node, command: Node, sql: str) -> str | None:
        return _column(table, command["name"], f"a.{column} {values}")

    return test


def _table_flag(condition: str) -> Callable[[Node, Node, str], str | None]:
    def test(table: Node, command: Node, sql: str) -> str | None:
        return (
            "EXISTS (SELECT FROM pg_catalog.pg_class"
            f" WHERE oid = {_regclass(table)} AND {condition})"
        )

    return test


def _constraint(table: Node | Sequence[str], condition: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_constraint k"
        f" WHERE k.conrelid = {_regclass(table)} AND {condition})"
    )


def _attnums(columns: Sequence[str], table: str) -> str:
    """The numbers of columns as a smallint array, in the order of the names."""
    names = ", ".join(map(_literal, columns))
    return (
        "(SELECT array_agg(a.attnum ORDER BY wanted.position) FROM"
        f" unnest(ARRAY[{names}]) WITH ORDINALITY AS wanted(name, position)"
        f" JOIN pg_catalog.pg_attribute a ON a.attrelid = {table} AND a.attname = wanted.name)"
    )


def _add_constraint(table: Node, command: Node, sql: str) -> str | None:
    fields = fields_of(command["def"])
    kind = fields["contype"]
    name = fields.get("conname") or fields.get("indexname")
    if kind not in _CONTYPES or (name is None and kind not in ("CONSTR_PRIMARY", "CONSTR_NOTNULL")):
        return None
    conditions = [f"k.contype = '{_CONTYPES[kind]}'"]
    if name is not None:
        conditions.append(f"k.conname = {_literal(name)}")
    columns = names_of(fields.get("fk_attrs") or fields.get("keys"))
    if columns and "indexname" not in fields:
        conditions.append(f"k.conkey = {_attnums(columns, 'k.conrelid')}")
    if kind == "CONSTR_FOREIGN":
        conditions.append(f"k.confrelid = {_regclass(fields['pktable'])}")
        conditions.append(f"k.confdeltype = {_literal(fields.get('fk_del_action', 'a'))}")
        conditions.append(f"k.confupdtype = {_literal(fields.get('fk_upd_action', 'a'))}")
        if "pk_attrs" in fields:
            referenced = _attnums(names_of(fields["pk_attrs"]), "k.confrelid")
            conditions.append(f"k.confkey = {referenced}")
    text = _check_text(sql, fields) if kind == "CONSTR_CHECK" else None
    if text:
        conditions.append(_same_words("pg_get_expr(k.conbin, k.conrelid)", text))
    if not fields.get("skip_validation") and fields.get("is_enforced", True):
        conditions.append("k.convalidated")
    return _constraint(table, " AND ".join(conditions))


def _validate(table: Node, command: Node, sql: str) -> str | None:
    return _constraint(table, f"k.conname = {_literal(command['name'])} AND k.convalidated")


def _drop_constraint(table: Node, command: Node, sql: str) -> str | None:
    return f"NOT {_constraint(table, 'k.conname = ' + _literal(command['name']))}"


def _inherits(child: Node, parent: Node, pending: str = "") -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_inherits"
        f" WHERE inhrelid = {_regclass(child)} AND inhparent = {_regclass(parent)}{pending})"
    )


def _attach(table: Node, command: Node, sql: str) -> str | None:
    return _inherits(fields_of(command["def"])["name"], table)


def _detach(table: Node, command: Node, sql: str) -> str | None:
    # A detach that was interrupted still has its row, marked pending: it is not done.
    return f"NOT {_inherits(fields_of(command['def'])['name'], table)}"


_SUBCOMMANDS: Mapping[str, Callable[[Node, Node, str], str | None]] = {
    "AT_AddColumn": _add_column,
    "AT_DropColumn": _drop_column,
    "AT_SetNotNull": _set_not_null,
    "AT_DropNotNull": _drop_not_null,
    "AT_ColumnDefault": _column_default,
    "AT_AlterColumnType": _alter_type,
    "AT_AddIdentity": _attribute_is("attidentity", "<> ''"),
    "AT_DropIdentity": _attribute_is("attidentity", "= ''"),
    "AT_DropExpression": _attribute_is("attgenerated", "= ''"),
    "AT_AddConstraint": _add_constraint,
    "AT_ValidateConstraint": _validate,
    "AT_DropConstraint": _drop_constraint,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
    "AT_DetachPartitionFinalize": _detach,
    "AT_EnableRowSecurity": _table_flag("relrowsecurity"),
    "AT_DisableRowSecurity": _table_flag("NOT relrowsecurity"),
    "AT_ForceRowSecurity": _table_flag("relforcerowsecurity"),
    "AT_NoForceRowSecurity": _table_flag("NOT relforcerowsecurity"),
    "AT_SetLogged": _table_flag("relpersistence = 'p'"),
    "AT_SetUnLogged": _table_flag("relpersistence = 'u'"),
}


def _create_table(node: Node, sql: str) -> str | None:
    table = node["relation"]
    if table.get("relpersistence") == "t":
        return None
    conditions: list[str | None] = [
        _relation_exists(_path(table), _KINDS["OBJECT_TABLE"] + ", 'f'")
    ]
    for element in node.get("tableElts", ()):
        kind, fields = kind_of(element)
        if kind == "ColumnDef" and "typeName" in fields:
            conditions.append(_column(table, fields["colname"]))
    if "partbound" in node:
        conditions.append(_inherits(table, fields_of(node["inhRelations"][0])))
    return _all(conditions)


def _create_as(node: Node, sql: str) -> str | None:
    table = node["into"]["rel"]
    if node.get("objtype") != "OBJECT_MATVIEW":
        return _relation_exists(_path(table), _KINDS["OBJECT_TABLE"])
    return _relation_exists(_path(table), _KINDS["OBJECT_MATVIEW"])


def _create_view(node: Node, sql: str) -> str | None:
    if node.get("replace"):
        return None  # running it again is harmless, skipping another definition is not
    return _relation_exists(_path(node["view"]), _KINDS["OBJECT_VIEW"])


def _create_sequence(node: Node, sql: str) -> str | None:
    return _relation_exists(_path(node["sequence"]), _KINDS["OBJECT_SEQUENCE"])


def _create_enum(node: Node, sql: str) -> str | None:
    labels = ", ".join(_literal(text_of(value)) for value in node.get("vals", ()))
    return (
        "(SELECT coalesce(array_agg(enumlabel::text ORDER BY enumsortorder), '{}')"
        f" FROM pg_catalog.pg_enum WHERE enumtypid = {_regtype(names_of(node['typeName']))})"
        f" = ARRAY[{labels}]::text[] AND {_regtype(names_of(node['typeName']))} IS NOT NULL"
    )


def _create_domain(node: Node, sql: str) -> str | None:
    base = read_type(node["typeName"])
    wanted = f"to_regtype({_literal(_quoted(base.name.split('.')) + ('[]' if base.array else ''))})"
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_type"
        f" WHERE oid = {_regtype(names_of(node['domainname']))}"
        f" AND typtype = 'd' AND typbasetype = {wanted})"
    )


def _create_composite(node: Node, sql: str) -> str | None:
    return f"{_regtype(_path(node['typevar']))} IS NOT NULL"


def _create_range(node: Node, sql: str) -> str | None:
    return f"{_regtype(names_of(node['typeName']))} IS NOT NULL"


def _alter_enum(node: Node, sql: str) -> str | None:
    of = _regtype(names_of(node["typeName"]))

    def has(label: str) -> str:
        return (
            "EXISTS (SELECT FROM pg_catalog.pg_enum"
            f" WHERE enumtypid = {of} AND enumlabel = {_literal(label)})"
        )

    if "oldVal" in node:
        return f"{has(node['newVal'])} AND NOT {has(node['oldVal'])}"
    return has(node["newVal"])


def _create_extension(node: Node, sql: str) -> str | None:
    return _extension(node["extname"])


def _extension(name: str) -> str:
    return f"EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = {_literal(name)})"


def _create_schema(node: Node, sql: str) -> str | None:
    if "schemaname" not in node or "schemaElts" in node:
        return None
    return f"to_regnamespace({_literal(_quoted((node['schemaname'],)))}) IS NOT NULL"


_HANGERS: Mapping[str, tuple[str, str, str]] = {
    "OBJECT_TRIGGER": ("pg_trigger", "tgrelid", "tgname"),
    "OBJECT_POLICY": ("pg_policy", "polrelid", "polname"),
    "OBJECT_RULE": ("pg_rewrite", "ev_class", "rulename"),
}


def _hanger(kind: str, table: Node | Sequence[str], name: str, more: str = "") -> str:
    """A trigger, policy or rule of a table exists."""
    catalog, relation, named = _HANGERS[kind]
    return (
        f"EXISTS (SELECT FROM pg_catalog.{catalog} WHERE {relation} = {_regclass(table)}"
        f" AND {named} = {_literal(name)}{more})"
    )


def _create_trigger(node: Node, sql: str) -> str | None:
    if node.get("replace"):
        return None
    function = names_of(node["funcname"])[-1]
    return _hanger(
        "OBJECT_TRIGGER",
        node["relation"],
        node["trigname"],
        f" AND tgfoid IN (SELECT oid FROM pg_catalog.pg_proc WHERE proname = {_literal(function)})",
    )


def _create_policy(node: Node, sql: str) -> str | None:
    commands = {"select": "r", "insert": "a", "update": "w", "delete": "d", "all": "*"}
    command = commands.get(node.get("cmd_name", "all"), "*")
    return _hanger(
        "OBJECT_POLICY", node["table"], node["policy_name"], f" AND polcmd = '{command}'"
    )


def _create_rule(node: Node, sql: str) -> str | None:
    return (
        None if node.get("replace") else _hanger("OBJECT_RULE", node["relation"], node["rulename"])
    )


def _create_function(node: Node, sql: str) -> str | None:
    if node.get("replace"):
        return None
    types = [
        fields_of(parameter)["argType"]
        for parameter in node.get("parameters", ())
        if fields_of(parameter).get("mode", "FUNC_PARAM_DEFAULT")
        in ("FUNC_PARAM_DEFAULT", "FUNC_PARAM_IN", "FUNC_PARAM_INOUT", "FUNC_PARAM_VARIADIC")
    ]
    return f"{_regprocedure(names_of(node['funcname']), types)} IS NOT NULL"


def _regprocedure(name: Sequence[str], types: Sequence[Node]) -> str:
    signature = ", ".join(_type_text(each) for each in types)
    return f"to_regprocedure({_literal(f'{_quoted(name)}({signature})')})"


def _type_text(node: Node) -> str:
    read = read_type(node)
    return _quoted(read.name.split(".")) + ("[]" if read.array else "")


def _create_statistics(node: Node, sql: str) -> str | None:
    names = names_of(node.get("defnames"))
    return _statistics(names) if names else None


def _statistics(path: Sequence[str]) -> str:
    schema = (
        f"stxnamespace = to_regnamespace({_literal(_quoted(path[:-1]))})"
        if len(path) > 1
        else "pg_catalog.pg_statistics_obj_is_visible(oid)"
    )
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_statistic_ext"
        f" WHERE stxname = {_literal(path[-1])} AND {schema})"
    )


def _drop(node: Node, sql: str) -> str | None:
    return _all(_gone(node["removeType"], item) for item in node.get("objects", ()))


def _gone(kind: str, item: Node) -> str | None:
    path = path_of(item)
    if kind in _KINDS:
        return f"NOT {_relation_exists(path, _KINDS[kind])}"
    if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        return f"{_regtype(path)} IS NULL"
    if kind in _HANGERS:
        return f"NOT {_hanger(kind, path[:-1], path[-1])}"
    if kind == "OBJECT_EXTENSION":
        return f"NOT {_extension(path[0])}"
    if kind == "OBJECT_SCHEMA":
        return f"to_regnamespace({_literal(_quoted(path[:1]))}) IS NULL"
    if kind == "OBJECT_STATISTIC_EXT":
        return f"NOT {_statistics(path)}"
    if kind in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"):
        return _function_gone(path, fields_of(item))
    return None


def _function_gone(path: Sequence[str], fields: Node) -> str | None:
    if fields.get("args_unspecified"):
        return f"to_regproc({_literal(_quoted(path))}) IS NULL"
    types = [fields_of(argument) for argument in fields.get("objargs", ()) if argument]
    return f"{_regprocedure(path, types)} IS NULL"


def _rename(node: Node, sql: str) -> str | None:
    kind, new = node["renameType"], node["newname"]
    if kind == "OBJECT_COLUMN":
        table, old = node["relation"], node["subname"]
        return f"{_column(table, new)} AND NOT {_column(table, old)}"
    if kind == "OBJECT_TABCONSTRAINT":
        table = node["relation"]
        is_there, was = (
            _constraint(table, f"k.conname = {_literal(name)}") for name in (new, node["subname"])
        )
        return f"{is_there} AND NOT {was}"
    if kind in _HANGERS:
        table = node["relation"]
        return f"{_hanger(kind, table, new)} AND NOT {_hanger(kind, table, node['subname'])}"
    if kind in _KINDS:
        path = _path(node["relation"])
        # ALTER TABLE … RENAME serves every kind of relation.
        kinds = ", ".join(_KINDS.values()) if kind == "OBJECT_TABLE" else _KINDS[kind]
        renamed = _relation_exists((*path[:-1], new), kinds)
        return f"{renamed} AND NOT {_relation_exists(path, kinds)}"
    if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        path = path_of(node["object"])
        return f"{_regtype((*path[:-1], new))} IS NOT NULL AND {_regtype(path)} IS NULL"
    if kind == "OBJECT_SCHEMA":
        old = f"to_regnamespace({_literal(_quoted((node['subname'],)))})"
        return f"to_regnamespace({_literal(_quoted((new,)))}) IS NOT NULL AND {old} IS NULL"
    return None


def _set_schema(node: Node, sql: str) -> str | None:
    kind, schema = node["objectType"], node["newschema"]
    if kind not in _KINDS or "relation" not in node:
        return None
    path = _path(node["relation"])
    moved = _relation_exists((schema, path[-1]), _KINDS[kind])
    return moved if path[0] == schema else f"{moved} AND NOT {_relation_exists(path, _KINDS[kind])}"


def _comment(node: Node, sql: str) -> str | None:
    kind = node["objtype"]
    said = _literal(node["comment"]) if node.get("comment") else "NULL"
    path = path_of(node["object"])
    if kind in _KINDS:
        described = f"obj_description({_regclass(path)}, 'pg_class')"
        return f"{_relation_exists(path, _KINDS[kind])} AND {described} IS NOT DISTINCT FROM {said}"
    if kind == "OBJECT_COLUMN":
        described = "col_description(a.attrelid, a.attnum)"
        return _column(path[:-1], path[-1], f"{described} IS NOT DISTINCT FROM {said}")
    if kind == "OBJECT_TABCONSTRAINT":
        described = "obj_description(k.oid, 'pg_constraint')"
        name = f"k.conname = {_literal(path[-1])}"
        return _constraint(path[:-1], f"{name} AND {described} IS NOT DISTINCT FROM {said}")
    return None


def _alter_extension(node: Node, sql: str) -> str | None:
    for item in node.get("options", ()):
        fields = fields_of(item)
        if fields["defname"] == "new_version":
            version = _literal(str(constant(fields["arg"])))
            return (
                "EXISTS (SELECT FROM pg_catalog.pg_extension"
                f" WHERE extname = {_literal(node['extname'])} AND extversion = {version})"
            )
    return None


_TESTS: Mapping[str, Test] = {
    "IndexStmt": _create_index,
    "AlterTableStmt": _alter_table,
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_as,
    "ViewStmt": _create_view,
    "CreateSeqStmt": _create_sequence,
    "CreateEnumStmt": _create_enum,
    "CreateDomainStmt": _create_domain,
    "CompositeTypeStmt": _create_composite,
    "CreateRangeStmt": _create_range,
    "AlterEnumStmt": _alter_enum,
    "CreateExtensionStmt": _create_extension,
    "AlterExtensionStmt": _alter_extension,
    "CreateSchemaStmt": _create_schema,
    "CreateTrigStmt": _create_trigger,
    "CreatePolicyStmt": _create_policy,
    "RuleStmt": _create_rule,
    "CreateFunctionStmt": _create_function,
    "CreateStatsStmt": _create_statistics,
    "DropStmt": _drop,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "CommentStmt": _comment,
}
