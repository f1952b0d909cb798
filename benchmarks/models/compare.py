"""What becomes of changes of models, by ``zd generate`` and by Alembic's autogenerate.

``make models`` writes docs/model-changes.md anew. Words in the name of a change, given as
arguments, run only those changes and print what became of them.
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from model_changes import CHANGES, Change, autogenerate, ours
from model_changes.page import PAGE, Row, written
from model_changes.stage import Verdict, serving
from zero_downtime.postgres.server import Server


def main() -> None:
    words = " ".join(sys.argv[1:])
    changes = [change for change in CHANGES if words in change.id]
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        rows = []
        for change in changes:
            row = Row(change, *both(server, change, Path(folder) / "alembic"))
            rows.append(row)
            told = f"zd {row.ours.word}, alembic {row.alembic.word}"
            print(f"{change.id}: {told}", row.ours.why, row.alembic.why, sep="\n    ")
    if not words:
        PAGE.write_text(written(rows))


def both(server: Server, change: Change, folder: Path) -> tuple[Verdict, Verdict]:
    """Our verdict and Alembic's, at the same time."""
    with ThreadPoolExecutor(1) as other:
        mine = other.submit(ours.verdict, server, change)
        theirs = autogenerate.verdict(server, change, folder)
        return mine.result(), theirs


if __name__ == "__main__":
    main()
