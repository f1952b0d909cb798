"""OPTIONS (…) of foreign servers, tables and columns: ADD, SET and DROP lead from old to new."""

from __future__ import annotations

import re

_OPTIONS = re.compile(r"\s*OPTIONS \(\s*(.*?)\s*\)\s*(?=\Z|;)", re.DOTALL)
_OPTION = re.compile(r'("(?:[^"]|"")+"|\w+) (\'(?:[^\']|\'\')*\')')


def changed_options(old: str, new: str) -> str:
    """``OPTIONS (…)`` for ALTER; empty when they are the same."""
    before, after = _options(old), _options(new)
    parts = [f"DROP {name}" for name in before if name not in after]
    for name, value in after.items():
        if name not in before:
            parts.append(f"ADD {name} {value}")
        elif before[name] != value:
            parts.append(f"SET {name} {value}")
    return f"OPTIONS ({', '.join(parts)})" if parts else ""


def without_options(sql: str) -> str:
    """The statement without its options."""
    return _OPTIONS.sub("", sql).strip()


def _options(sql: str) -> dict[str, str]:
    found = _OPTIONS.search(sql)
    return dict(_OPTION.findall(found[1])) if found else {}
