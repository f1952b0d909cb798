"""Whether an expression that the server prints is the one that was written.

The server prints expressions in its own form (casts, parentheses, IN as = ANY), so what is compared
is the names, literals and comparisons in them.
"""

from __future__ import annotations

import re

from zero_downtime.sql.lexer import tokens
from zero_downtime.sql.tree import Node
from zero_downtime.upgrade.done.conditions import literal

_CAST = (
    r'::\s*("[^"]+"|\w+)(\.("[^"]+"|\w+))?( varying| precision| with(out)? time zone)?'
    r"(\([0-9, ]+\))?(\[\])*"
)

_WORD = r"('([^']|'')*'|\"[^\"]+\"|\w+|<>|<=|>=|<|>)"

# The server prints a negative number as a literal: '-1'::integer.
_NEGATIVE = re.compile(
    r"((?:[(,<>=]|\b(?:and|or|between|then|else)\s|\A)\s*)-\s*(\d+(?:\.\d+)?)", re.IGNORECASE
)

_SAID_OTHERWISE = (
    "any|all|array|in|and|or|not|is|null|between|like|ilike|cast|as|collate|"
    "current_timestamp|now|value"
)


def _words(expression: str) -> list[str]:
    """The words of an expression as written; the same is done by _server_words on the server."""
    bare = re.sub(_CAST, "", expression.replace("!=", "<>"))
    bare = _NEGATIVE.sub(r"\1'-\2'", bare)
    bare = re.sub(r"\b(cast)\s*\(([^()]*)\s+as\s+[\w ]+(\([0-9, ]+\))?\)", r"\2", bare, flags=re.I)
    found = {match[0].replace('"', "") for match in re.finditer(_WORD, bare)}
    kept = {word if word[0] == "'" else word.lower() for word in found}
    return sorted(word for word in kept if not re.fullmatch(_SAID_OTHERWISE, word))


def same_words(server_text: str, expression: str) -> str:
    """A condition: the expression that the server prints has the same words."""
    mine = _words(expression)
    if re.search(r"\bbetween\b", expression, re.IGNORECASE):
        return f"{server_text} IS NOT NULL"
    theirs = (
        "(SELECT coalesce(array_agg(DISTINCT w), ARRAY[]::text[])"
        " FROM (SELECT CASE WHEN m[1] ~ '^''' THEN m[1]"
        " ELSE lower(replace(m[1], '\"', '')) END AS w"
        f" FROM regexp_matches(regexp_replace({server_text}, {literal(_CAST)}, '', 'g'),"
        f" {literal(_WORD)}, 'g') AS m) AS words"
        f" WHERE w !~ '^({_SAID_OTHERWISE})$')"
    )
    array = f"ARRAY[{', '.join(map(literal, mine))}]::text[]"
    return f"{theirs} @> {array} AND {theirs} <@ {array}"


def text_after(sql: str, word: str) -> str:
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


def check_text(sql: str, fields: Node) -> str | None:
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


def default_text(sql: str, name: str) -> str | None:
    found = re.search(
        rf'"?{re.escape(name)}"?\s+set\s+default\s+(.*)$', sql, re.IGNORECASE | re.DOTALL
    )
    return found[1] if found else None
