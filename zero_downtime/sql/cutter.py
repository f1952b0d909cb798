"""A script cut at its semicolons, by jumping from one telling character to the next.

libpg_query's own splitter drops statements that do not parse and cuts ``BEGIN ATOMIC`` bodies in
two, and knows no psql: so the script is cut here, and every piece is then parsed by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.sql.lexer import block_end, tokens

# Plain literals and line comments as a whole, and what needs a closer look.
_TELLING = re.compile(r"""'[^']*'|"[^"]*"|--[^\n\r]*|/\*|[;$\\'"]""")
_SPACE = re.compile(r"\s*")
_REST_OF_WORD = re.compile(r"[\w$]*")
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_ESCAPED = re.compile(r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.DOTALL)
_NOT_LINE_END = re.compile(r"[^\n]")
_COPY = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_COPY_END = re.compile(r"\n\\\.[ \t\r]*(?=\n|\Z)")
_RULE = re.compile(r"create\s+(or\s+replace\s+)?rule\b", re.IGNORECASE)
_BODIES = re.compile(r"\b(rule|atomic)\b", re.IGNORECASE)

Span = tuple[int, int]


def pieces(text: str) -> Iterator[tuple[str, int, int]]:
    """Statements with their offsets and, as the empty text, comments; in order of beginning.

    psql's backslash commands are blanked, the rows of COPY … FROM stdin are left out.
    """
    has_bodies = _may_have_bodies(text)
    position = body_end = 0  # semicolons before body_end stand in the body of a function or rule
    start = -1  # of the open statement, with its comments and psql's commands
    comments: list[Span] = []
    commands: list[Span] = []
    while found := _TELLING.search(text, position):
        begin, end = found.span()
        if start < 0:
            start = _first(text, position, begin)
        what, position = text[begin], end
        if what == ";":
            if start < 0:
                continue
            if has_bodies and body_end <= start:
                body_end = _body_end(text, start)
            if begin < body_end:
                continue
        elif what == "-" or what == "/":
            if what == "/":
                position = block_end(text, begin)
            if not position:  # never closed: an error, which must not be overlooked
                position = len(text)
                start = begin if start < 0 else start
            elif start < 0:
                yield "", begin, position
            else:
                comments.append((begin, position))
            continue
        elif what == "\\":
            position = _line_end(text, begin)
            # \g, \gset and \gexec send the statement before them.
            if start >= 0 and not text.startswith("\\g", begin):
                commands.append((begin, position))
            if start < 0 or not text.startswith("\\g", begin):
                continue
        else:
            start = begin if start < 0 else start
            position = _literal_end(text, begin, end)
            continue
        sql, end = _without_ends(text, start, begin, comments, commands)
        yield sql, start, end
        for comment in comments:
            yield "", *comment
        if what == ";" and sql[:4].lower() == "copy":
            position = _rows_end(text, sql, position)
        start, comments, commands = -1, [], []
    if start < 0:
        start = _first(text, position, len(text))
    if start >= 0:
        sql, end = _without_ends(text, start, len(text), comments, commands)
        yield sql, start, end
        for comment in comments:
            yield "", *comment


def _may_have_bodies(text: str) -> bool:
    lower = text.lower()
    return ("rule" in lower or "atomic" in lower) and _BODIES.search(text) is not None


def _first(text: str, position: int, end: int) -> int:
    """The offset of the first character that is no white space, -1 when there is none."""
    space = _SPACE.match(text, position, end)
    assert space
    return space.end() if space.end() < end else -1


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _literal_end(text: str, begin: int, end: int) -> int:
    """Where a literal, a dollar quote or the name with a dollar in it ends."""
    if text[begin] == "$":
        in_word = begin > 0 and (text[begin - 1].isalnum() or text[begin - 1] in "_$")
        quote = None if in_word else _DOLLAR.match(text, begin)
        if quote is None:
            return _word_end(text, end)
        closing = text.find(quote[0], quote.end())
        return len(text) if closing < 0 else closing + len(quote[0])
    if text[begin] == "'" and begin and text[begin - 1] in "eE" and _is_word(text, begin - 1):
        escaped = _ESCAPED.match(text, begin)
        return escaped.end() if escaped else len(text)
    return end if end - begin > 1 else len(text)  # a lonely quote is never closed


def _word_end(text: str, position: int) -> int:
    rest = _REST_OF_WORD.match(text, position)
    return rest.end() if rest else position


def _is_word(text: str, position: int) -> bool:
    """Whether a word begins there."""
    before = text[position - 1] if position else " "
    return not (before.isalnum() or before in "_$")


def _without_ends(
    text: str, start: int, end: int, comments: list[Span], commands: list[Span]
) -> tuple[str, int]:
    """A statement and its end, without the space and the comments behind it."""
    for begin, gap_end in sorted((*comments, *commands), reverse=True):
        if not text[gap_end:end].strip():
            end = begin
    sql = text[start:end].rstrip()
    end = start + len(sql)
    for begin, command_end in commands:
        if begin < end:
            blank = _NOT_LINE_END.sub(" ", text[begin:command_end])
            sql = sql[: begin - start] + blank + sql[command_end - start :]
    return sql, end


def _rows_end(text: str, sql: str, position: int) -> int:
    """Where the rows behind COPY … FROM stdin end, their closing backslash-dot included."""
    closing = _COPY_END.search(text, position) if _COPY.match(sql) else None
    return closing.end() if closing else position


def _body_end(text: str, start: int) -> int:
    """Where a function's BEGIN ATOMIC or the actions of a rule end; start if it has none."""
    if text[start] not in "cC":
        return start
    is_rule = _RULE.match(text, start) is not None
    end, depth, atomic = start, 0, 0
    before = ""
    for token in tokens(text, start):
        if token.kind == "semicolon" and not atomic and not (is_rule and depth > 0):
            break
        if token.kind == "open":
            depth += 1
        elif token.kind == "close":
            depth -= 1
        elif token.kind == "word":
            word = text[token.start : token.end].lower()
            if not before and word != "create":
                break
            if atomic:
                atomic += {"case": 1, "begin": 1, "end": -1}.get(word, 0)
            elif word == "atomic" and before == "begin":
                atomic = 1
            before = word
        end = token.end
    return end
