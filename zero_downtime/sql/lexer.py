"""The few tokens that tell where the parts of a statement begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from msgspec import Struct

Kind = Literal["word", "other", "comment", "semicolon", "open", "close", "backslash", "broken"]

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n\r]*)
  | (?P<block>/\*)
  | (?P<other>[eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'
      | '[^']*'
      | "[^"]*"
      | \d[\w.]*
      | [^\s\w;()'"$\\/-]+)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | (?P<semicolon>;)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<backslash>\\)
  | (?P<broken>['"])
  | (?P<single>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


class Token(Struct, frozen=True):
    """A piece of text that is not white space; offsets in characters, the end exclusive."""

    kind: Kind
    start: int
    end: int


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """The tokens of a script from an offset on.

    ``broken`` is a quote, comment or dollar quote that is never closed: it reaches to the end.
    """
    position = start
    while match := _TOKEN.match(text, position):
        position = match.end()
        kind = match.lastgroup
        if kind == "space":
            continue
        if kind == "block":
            position = block_end(text, match.start())
            yield Token("comment" if position else "broken", match.start(), position or len(text))
            position = position or len(text)
        elif kind == "dollar":
            end = text.find(match[0], position)
            position = len(text) if end < 0 else end + len(match[0])
            yield Token("broken" if end < 0 else "other", match.start(), position)
        elif kind == "broken":
            yield Token("broken", match.start(), len(text))
            return
        elif kind == "single":
            yield Token("other", match.start(), position)
        else:
            yield Token(kind, match.start(), position)  # type: ignore[arg-type]


def block_end(text: str, start: int) -> int:
    """The end of a block comment, which may hold others; 0 when it has none."""
    depth = 0
    for edge in _BLOCK_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return 0


@lru_cache(maxsize=256)
def words_in(source: str) -> frozenset[str]:
    """The words of a text in lower case, without those in strings and comments."""
    return frozenset(
        source[token.start : token.end].lower() for token in tokens(source) if token.kind == "word"
    )
