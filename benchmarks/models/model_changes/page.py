"""The page that says what became of the changes: docs/model-changes.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from model_changes.change import Change
from model_changes.stage import BROKEN, MISSED, REFUSED, RIGHT, Verdict

PAGE = Path(__file__).parents[3] / "docs" / "model-changes.md"
_ROW = re.compile(r"\| (.+?) \| (\w+) \| (\w+) \| (?:.*) \|")
_WORDS = (RIGHT, MISSED, BROKEN, REFUSED)
_LONGEST = 150  # characters of what Alembic's database says


@dataclass(frozen=True)
class Row:
    """A change and what became of it."""

    change: Change
    ours: Verdict
    alembic: Verdict


def written(rows: Sequence[Row]) -> str:
    """The page."""
    return _head(rows) + "\n".join(_families(rows))


def stated() -> dict[str, tuple[str, str]]:
    """What the page says: the id of each change, our verdict and Alembic's."""
    found: dict[str, tuple[str, str]] = {}
    family = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            family = line.removeprefix("## ").lower()
        elif family and (cells := _ROW.fullmatch(line)) and cells[2] in _WORDS:
            found[f"{family}: {cells[1]}"] = cells[2], cells[3]
    return found


_HEAD = """# Changes of models

{number} changes of SQLAlchemy models, over everything that a model can state, each made by
`zd generate` and by Alembic's autogenerate with the options as they come. What they write is run up
and down on PostgreSQL 18, on tables with rows, and the catalog is compared with that of the models.
Alembic {alembic}, SQLAlchemy {sqlalchemy}; `make models` writes this page anew.

| | right | missed | broken | refused |
|---|---|---|---|---|
| `zd generate` | {ours} |
| `alembic revision --autogenerate` | {theirs} |

- **right**: it leads to the models and back, and no row is lost. Where the models only say the same
  in other words, nothing is written.
- **missed**: nothing of the change, or not all of it, is written, and nobody says so.
- **broken**: it fails, up or down, or leads elsewhere.
- **refused**: nothing is written, and the reason is said, since nothing would be right.

Renames are declared with `renamed_from`, which Alembic does not know. Whether writers have to wait
while a revision runs is not judged here.
"""


def _head(rows: Sequence[Row]) -> str:
    ours = Counter(row.ours.word for row in rows)
    theirs = Counter(row.alembic.word for row in rows)
    return _HEAD.format(
        number=len(rows),
        alembic=version("alembic"),
        sqlalchemy=version("sqlalchemy"),
        ours=" | ".join(str(ours[word]) for word in _WORDS),
        theirs=" | ".join(str(theirs[word]) for word in _WORDS),
    )


def _families(rows: Sequence[Row]) -> Iterator[str]:
    for family, members in groupby(rows, key=lambda row: row.change.family):
        yield from ("", f"## {family.capitalize()}", "")
        yield "| change | zd | Alembic | what Alembic's revision does |"
        yield "|---|---|---|---|"
        for row in members:
            why = _shortened(row.alembic.why)
            yield f"| {row.change.name} | {row.ours.word} | {row.alembic.word} | {why} |"
    yield ""


def _shortened(text: str) -> str:
    text = " ".join(text.replace("|", "/").replace("<", "&lt;").split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
