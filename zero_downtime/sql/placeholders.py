"""Statements that a template or psql fills in first: their placeholders stand in as names.

A placeholder becomes an identifier of the same length, with its signs as their full-width twins:
so places stay right, and what is said of the statement can be turned back.
"""

from __future__ import annotations

import re

# What may hold anything comes first and is left alone.
_PARTS = re.compile(
    r"""
    (?P<kept> --[^\n]* | /\*.*?\*/ | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | (?<!:)'(?:[^']|'')*')
  | (?P<blank> \{%.*?%\} | \{\#.*?\#\} )
  | (?P<quoted> :(?='[^']*'|"[^"]*") )
  | (?P<name> \{\{.*?\}\} | [$#]?\{[^{}\n]*\} | \$\([\w.]+\) | <%.*?%> | %\(\w+\)s | @\w+@
      | (?<![:\w]):[A-Za-z_]\w* )
    """,
    re.VERBOSE | re.DOTALL,
)
_LIKELY = re.compile(r"\{|:['\"]|(?<![:\w]):[A-Za-z_]|<%|%\(|@\w+@|\$\(")
_SIGNS = ("{", ":", "<%", "%(", "@", "$(")

_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if not chr(code).isalnum()} | {
    0x20: 0x3000,
    ord("_"): ord("_"),
}
_NARROW = {wide: code for code, wide in _WIDE.items() if wide != code}


def has_placeholders(text: str) -> bool:
    """Whether a text looks as if it had placeholders."""
    signs = any([sign in text for sign in _SIGNS])  # a fifth of the time of the pattern
    return signs and _LIKELY.search(text) is not None


def filled(sql: str) -> str | None:
    """The statement with names for its placeholders; None when it has none."""
    found = 0

    def name(match: re.Match[str]) -> str:
        nonlocal found
        if match["kept"] is not None:
            return match[0]
        found += 1
        if match["name"] is not None:
            return match[0].translate(_WIDE)
        return re.sub(r"[^\n]", " ", match[0])

    changed = _PARTS.sub(name, sql)
    return changed if found else None


def as_written(text: str) -> str:
    """A text about a filled statement with the placeholders as they were."""
    return text.translate(_NARROW)
