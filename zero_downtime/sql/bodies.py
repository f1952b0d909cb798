"""The statements inside a DO block or a function: what its text says, and what it leaves open.

PL/pgSQL is taken apart by PostgreSQL's own parser. EXECUTE is followed where its text can be put
together from constants: literals, ``||``, ``format()``, constant variables, loops over an array of
literals. Everything else is named as unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from zero_downtime.sql.constants import Values, evaluated, quoted, values_of_query
from zero_downtime.sql.libpg_query import parser
from zero_downtime.sql.script import read_script
from zero_downtime.sql.statement import Location, Statement
from zero_downtime.sql.tree import (
    Node,
    constant,
    fields_of,
    kind_of,
    names_of,
    parse,
    text_of,
)

_DOLLAR = re.compile(r"\$(?:[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*)?\$")  # not ASCII: any
_BLANKED = re.compile(r"\s{4,}")
_MANY = 100  # the values of one loop that are gone through


class Inner(Struct, frozen=True):
    """One statement of a body.

    ``line`` and ``offset`` are those in the body; ``offset`` is None for text that stands there in
    pieces. ``maybe``: under IF, CASE or in a loop. ``on_error``: in an exception handler.
    ``expression``: a condition or assignment, as a SELECT.
    """

    sql: str
    line: int
    offset: int | None = None
    length: int = 0
    maybe: bool = False
    on_error: bool = False
    dynamic: bool = False
    expression: bool = False


class Body(Struct, frozen=True):
    """What a body runs, in order; ``unknown`` says with its line what could not be told."""

    statements: tuple[Inner, ...] = ()
    unknown: tuple[tuple[str, int], ...] = ()


class NestedStatement(Struct, frozen=True):
    """A statement inside another, at its own place in the file."""

    statement: Statement
    maybe: bool = False
    on_error: bool = False
    dynamic: bool = False


class Nested(Struct, frozen=True):
    """What is inside a statement, and what can't be told of it."""

    statements: tuple[NestedStatement, ...] = ()
    unknown: tuple[tuple[str, Location], ...] = ()


def nested(statement: Statement) -> Nested:
    """The statements inside a DO block, CREATE FUNCTION or CREATE PROCEDURE.

    Those of a function do not run with it. They stand in the same transaction as the outer one.
    Conditions and assignments are left out. Raises NotParsed when the outer one is wrong.
    """
    kind, node = parse(statement.sql)
    read = body_of(kind, node)
    if read is None:
        return Nested()
    places = _Places(statement, source_of(node) or "")
    return Nested(
        tuple(
            NestedStatement(
                replace(statement, sql=inner.sql, location=places.of(inner)),
                inner.maybe,
                inner.on_error,
                inner.dynamic,
            )
            for inner in read.statements
            if not inner.expression
        ),
        tuple((what, places.of_line(line)) for what, line in read.unknown),
    )


def body_of(kind: str, node: Node) -> Body | None:
    """The body of a DO block or of a function that is made; None for any other statement."""
    if kind == "DoStmt":
        source, language = source_of(node), _option(node, "args", "language") or "plpgsql"
        header = "CREATE FUNCTION f() RETURNS void"
    elif kind == "CreateFunctionStmt":
        source, language = source_of(node), _option(node, "options", "language") or "sql"
        header = _header(node)
    else:
        return None
    return read_body(source or "", language.lower(), header)


def source_of(node: Node) -> str | None:
    """The text between the quotes of a DO block's or function's body."""
    for item in (*node.get("args", ()), *node.get("options", ())):
        fields = fields_of(item)
        if fields.get("defname") == "as":
            arg = fields["arg"]
            return text_of(arg["List"]["items"][0]) if "List" in arg else text_of(arg)
    return None


def _option(node: Node, field: str, name: str) -> str | None:
    for item in node.get(field, ()):
        fields = fields_of(item)
        if fields.get("defname") == name:
            return str(constant(fields.get("arg")))
    return None


@lru_cache(maxsize=512)
def read_body(source: str, language: str, header: str) -> Body:
    """A body taken apart. ``header``: the CREATE FUNCTION before its language."""
    if language == "sql":
        return Body(tuple(_of_sql(source)))
    if language != "plpgsql":
        return Body(unknown=((f"what {language} code runs", 1),))
    quote = "$zero_downtime$"
    try:
        text = parser().parse_plpgsql_json(f"{header} LANGUAGE plpgsql AS {quote}{source}{quote}")
        function = json.loads(text)[0]["PLpgSQL_function"]
    except (parser().ParseError, ValueError, LookupError, RecursionError):
        return Body(unknown=(("what PL/pgSQL runs that could not be read", 1),))
    return _Reader(source, function).read()


def _of_sql(source: str) -> Iterator[Inner]:
    starts = [0, *(match.end() for match in re.finditer("\n", source))]
    for statement in read_script(source).statements:
        place = statement.location
        offset = starts[place.line - 1] + place.column - 1
        yield Inner(statement.sql, place.line, offset, len(statement.sql))


def header_of(node: Node) -> str:
    """What :func:`read_body` needs to know of a CreateFunctionStmt beside its body."""
    return _header(node)


def _header(node: Node) -> str:
    parameters, columns = [], []
    for item in node.get("parameters", ()):
        fields = fields_of(item)
        mode = fields.get("mode", "")
        written = f"{quoted(fields['name'])} " if "name" in fields else ""
        written += _type(fields.get("argType", {}))
        if mode == "FUNC_PARAM_TABLE":
            columns.append(written)
        else:
            word = {"FUNC_PARAM_OUT": "OUT ", "FUNC_PARAM_INOUT": "INOUT "}.get(mode, "")
            parameters.append(word + written)
    listed = f"f({', '.join(parameters)})"
    if node.get("is_procedure"):
        return f"CREATE PROCEDURE {listed}"
    returns = node.get("returnType", {})
    if columns:
        return f"CREATE FUNCTION {listed} RETURNS TABLE ({', '.join(columns)})"
    if not returns:
        return f"CREATE FUNCTION {listed}"
    return f"CREATE FUNCTION {listed} RETURNS {'SETOF ' if returns.get('setof') else ''}" + _type(
        returns
    )


def _type(node: Node) -> str:
    names = [name for name in names_of(node.get("names")) if name != "pg_catalog"] or ["text"]
    array = "[]" if node.get("arrayBounds") else ""
    percent = "%TYPE" if node.get("pct_type") else ""
    return ".".join(map(quoted, names)) + percent + array


class _Way(Struct, frozen=True):
    """How one comes to a statement: what is known of variables, and what it hangs on."""

    values: Values
    maybe: bool = False
    on_error: bool = False


class _Reader:
    """Walks through the tree of a PL/pgSQL function."""

    def __init__(self, source: str, function: Node) -> None:
        self._source = source
        self._starts = [0, *(match.end() for match in re.finditer("\n", source))]
        self._found: list[Inner] = []
        self._unknown: dict[tuple[str, int], None] = {}
        self._function = function
        self._names = [str(fields_of(d).get("refname", "")) for d in function.get("datums", ())]
        self._cursor = 0

    def read(self) -> Body:
        values: dict[str, str] = {}
        assigned = set(_assigned(self._function["action"], self._names))
        for datum in self._function.get("datums", ()):
            fields = fields_of(datum)
            expression = fields.get("default_val", {}).get("PLpgSQL_expr")
            if expression and "lineno" in fields:
                value = evaluated(expression["query"], values)
                if value is not None and fields["refname"] not in assigned:
                    values[fields["refname"]] = value
                self._expression(expression["query"], fields["lineno"], _Way(values))
            cursor = fields.get("cursor_explicit_expr", {}).get("PLpgSQL_expr")
            if cursor:
                self._add(cursor["query"], fields.get("lineno", 1), _Way(values))
        self._walk(self._function["action"], _Way(values))
        return Body(tuple(self._found), tuple(self._unknown))

    def _walk(self, node: Any, way: _Way) -> None:
        if isinstance(node, list):
            for item in node:
                self._walk(item, way)
        elif isinstance(node, dict) and node:
            kind, fields = kind_of(node)
            handler = getattr(self, f"_{kind.removeprefix('PLpgSQL_').lower()}", None)
            if handler:
                handler(fields, way)
            else:
                self._other(fields, way)

    def _other(self, fields: Node, way: _Way) -> None:
        """Any statement: its expressions are evaluated, its bodies gone through."""
        line = fields.get("lineno", 1)
        for value in fields.values():
            if isinstance(value, dict) and "PLpgSQL_expr" in value:
                self._expression(value["PLpgSQL_expr"]["query"], line, way)
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, dict) and "PLpgSQL_expr" in item:
                        self._expression(item["PLpgSQL_expr"]["query"], line, way)
                    elif isinstance(item, dict) and next(iter(item), "").startswith("PLpgSQL_stmt"):
                        self._walk(item, way)

    def _stmt_block(self, fields: Node, way: _Way) -> None:
        self._walk(fields.get("body", []), way)
        handlers = fields.get("exceptions", {}).get("PLpgSQL_exception_block", {})
        for item in handlers.get("exc_list", ()):
            self._walk(fields_of(item).get("action", []), replace(way, on_error=True))

    def _stmt_execsql(self, fields: Node, way: _Way) -> None:
        self._add(fields["sqlstmt"]["PLpgSQL_expr"]["query"], fields.get("lineno", 1), way)

    def _stmt_perform(self, fields: Node, way: _Way) -> None:
        self._add(fields["expr"]["PLpgSQL_expr"]["query"], fields.get("lineno", 1), way)

    _stmt_call = _stmt_perform

    def _stmt_if(self, fields: Node, way: _Way) -> None:
        line = fields.get("lineno", 1)
        self._expression(fields["cond"]["PLpgSQL_expr"]["query"], line, way)
        under = replace(way, maybe=True)
        self._walk(fields.get("then_body", []), under)
        for item in fields.get("elsif_list", ()):
            branch = fields_of(item)
            self._expression(branch["cond"]["PLpgSQL_expr"]["query"], line, way)
            self._walk(branch.get("stmts", []), under)
        self._walk(fields.get("else_body", []), under)

    def _stmt_case(self, fields: Node, way: _Way) -> None:
        under = replace(way, maybe=True)
        for item in fields.get("case_when_list", ()):
            branch = fields_of(item)
            self._expression(branch["expr"]["PLpgSQL_expr"]["query"], branch.get("lineno", 1), way)
            self._walk(branch.get("stmts", []), under)
        self._walk(fields.get("else_stmts", []), under)

    def _stmt_fors(self, fields: Node, way: _Way) -> None:
        query = fields["query"]["PLpgSQL_expr"]["query"]
        self._add(query, fields.get("lineno", 1), way)
        self._loop(fields, way, values_of_query(query, way.values), _variable(fields))

    def _stmt_dynfors(self, fields: Node, way: _Way) -> None:
        self._dynamic(fields["query"], fields.get("lineno", 1), way)
        self._loop(fields, way, None, None)

    def _stmt_foreach_a(self, fields: Node, way: _Way) -> None:
        query = fields["expr"]["PLpgSQL_expr"]["query"]
        number = fields.get("varno", 0)
        name = self._names[number] if number < len(self._names) else None
        self._expression(query, fields.get("lineno", 1), way)
        self._loop(fields, way, values_of_query(f"SELECT unnest({query})", way.values), name)

    def _stmt_fori(self, fields: Node, way: _Way) -> None:
        bounds = []
        for part in ("lower", "upper"):
            query = fields[part]["PLpgSQL_expr"]["query"]
            self._expression(query, fields.get("lineno", 1), way)
            bounds.append(evaluated(query, way.values) or "")
        values = None
        if all(bound.lstrip("-").isdecimal() for bound in bounds):
            first, last = map(int, bounds)
            if 0 <= last - first < _MANY and "step" not in fields and "reverse" not in fields:
                values = [str(number) for number in range(first, last + 1)]
        self._loop(fields, way, values, _variable(fields))

    def _loop(self, fields: Node, way: _Way, values: list[str] | None, name: str | None) -> None:
        body = fields.get("body", [])
        if values and name and "EXECUTE" in self._source.upper():
            for value in values[:_MANY]:
                self._walk(body, replace(way, values={**way.values, name: value}))
            return
        known = {n: v for n, v in way.values.items() if n != name}
        self._walk(body, replace(way, values=known, maybe=not values))

    def _stmt_while(self, fields: Node, way: _Way) -> None:
        self._expression(fields["cond"]["PLpgSQL_expr"]["query"], fields.get("lineno", 1), way)
        self._walk(fields.get("body", []), replace(way, maybe=True))

    def _stmt_dynexecute(self, fields: Node, way: _Way) -> None:
        self._dynamic(fields["query"], fields.get("lineno", 1), way)

    def _stmt_return_query(self, fields: Node, way: _Way) -> None:
        if "dynquery" in fields:
            self._dynamic(fields["dynquery"], fields.get("lineno", 1), way)
        elif "query" in fields:
            self._add(fields["query"]["PLpgSQL_expr"]["query"], fields.get("lineno", 1), way)

    def _stmt_open(self, fields: Node, way: _Way) -> None:
        if "dynquery" in fields:
            self._dynamic(fields["dynquery"], fields.get("lineno", 1), way)
        elif "query" in fields:
            self._add(fields["query"]["PLpgSQL_expr"]["query"], fields.get("lineno", 1), way)

    def _stmt_assign(self, fields: Node, way: _Way) -> None:
        query = fields["expr"]["PLpgSQL_expr"]["query"]
        assigned, _, expression = query.partition(":=")
        if not expression:
            assigned, _, expression = query.partition("=")
        self._expression(expression or assigned, fields.get("lineno", 1), way)

    def _dynamic(self, query: Node, line: int, way: _Way) -> None:
        text = evaluated(query["PLpgSQL_expr"]["query"], way.values)
        if text is None:
            said = "what EXECUTE runs: its text is put together when it runs"
            self._unknown[(said, line)] = None
            return
        for inner in read_script(text).statements:
            offset = self._source.find(inner.sql, self._line_start(line))
            found = offset if offset >= 0 else None
            self._found.append(
                Inner(
                    inner.sql,
                    line,
                    found,
                    len(inner.sql) if found is not None else 0,
                    maybe=way.maybe,
                    on_error=way.on_error,
                    dynamic=True,
                )
            )

    def _expression(self, query: str, line: int, way: _Way) -> None:
        """An expression matters only if it reads a table or calls a function."""
        if "(" in query:
            sql = f"SELECT {query}"
            self._found.append(
                Inner(sql, line, maybe=way.maybe, on_error=way.on_error, expression=True)
            )

    def _add(self, query: str, line: int, way: _Way) -> None:
        offset, length = self._find(query, line)
        self._found.append(
            Inner(query, line, offset, length, maybe=way.maybe, on_error=way.on_error)
        )

    def _find(self, query: str, line: int) -> tuple[int | None, int]:
        """Where a statement stands: PERFORM became SELECT, INTO became blanks."""
        start = self._line_start(line)
        start = max(start, self._cursor) if self._cursor < self._line_start(line + 1) else start
        sought, before = query, ""
        offset = self._source.find(sought, start)
        if offset < 0 and query.upper().startswith("SELECT"):
            before = "PERFORM"
            offset = self._source.find(query[len("SELECT") :], start) - len(before)
        if offset < 0:
            head = _BLANKED.split(query)[0]
            offset = self._source.find(head, start)
        if offset < 0:
            return None, 0
        length = len(query) + (1 if before else 0)
        self._cursor = offset + length
        return offset, length

    def _line_start(self, line: int) -> int:
        return self._starts[min(max(line, 1), len(self._starts)) - 1]


def _variable(fields: Node) -> str | None:
    """The one variable that a loop sets."""
    variable = fields_of(fields.get("var"))
    if "fields" in variable:
        return variable["fields"][0]["name"] if len(variable["fields"]) == 1 else None
    return variable.get("refname")


def _assigned(node: Any, names: list[str]) -> Iterator[str]:
    """The variables that a body gives other values than the declared one."""
    if isinstance(node, list):
        for item in node:
            yield from _assigned(item, names)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("PLpgSQL_stmt_assign", "PLpgSQL_stmt_foreach_a"):
                number = value.get("varno", 0)
                if number < len(names):
                    yield names[number]
            elif key == "target" and isinstance(value, int):  # GET DIAGNOSTICS
                if value < len(names):
                    yield names[value]
            elif key == "target":
                target = fields_of(value)
                yield str(target.get("refname", ""))
                yield from (str(field["name"]) for field in target.get("fields", ()))
            yield from _assigned(value, names)


class _Places:
    """Offsets in a body turned into places in the file of the outer statement."""

    def __init__(self, outer: Statement, source: str) -> None:
        self._outer = outer
        self._map = _body_offsets(outer.sql, source)

    def of(self, inner: Inner) -> Location:
        if inner.offset is None:
            return self.of_line(inner.line)
        start, end = self._map(inner.offset), self._map(inner.offset + inner.length)
        if start is None or end is None:
            return self.of_line(inner.line)
        line, column = self._place(start)
        end_line, end_column = self._place(end)
        return Location(self._outer.location.file, line, column, end_line, end_column)

    def of_line(self, line: int) -> Location:
        first = self._map(0)
        if first is None:
            return self._outer.location
        number = self._place(first)[0] + line - 1
        return Location(self._outer.location.file, number, 1, number, 1)

    def _place(self, offset: int) -> tuple[int, int]:
        before = self._outer.sql[:offset]
        line = self._outer.location.line + before.count("\n")
        column = len(before) - before.rfind("\n")
        if "\n" not in before:
            column += self._outer.location.column - 1
        return line, column


def _body_offsets(sql: str, source: str) -> Callable[[int], int | None]:
    """A function that gives the offset in a statement of an offset in its body."""
    for match in _DOLLAR.finditer(sql):
        if sql.startswith(source + match[0], match.end()):
            return _shifted(match.end())
    start = sql.find("'" + source.replace("'", "''") + "'")
    return _shifted(start + 1, source) if start >= 0 else _nowhere


def _shifted(start: int, doubled: str = "") -> Callable[[int], int | None]:
    """Behind ``start``; in single quotes, every quote in the text before counts twice."""
    return lambda offset: start + offset + doubled.count("'", 0, offset)


def _nowhere(offset: int) -> int | None:
    return None
