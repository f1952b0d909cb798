"""The revisions of an Alembic project as values, read without a database."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError, RevisionMap
from alembic.util import CommandError

from zero_downtime import environment
from zero_downtime.errors import HistoryError
from zero_downtime.history.loading import (
    MISSING,
    check,
    is_fixed,
    line_of,
    load,
    load_one,
    sentence,
)
from zero_downtime.project import Project

_BEFORE = re.compile(r"(\w*)-(\d{1,4})")

PHASES = ("expand", "backfill", "contract")


@dataclass(frozen=True)
class Revision:
    """One file of the history."""

    id: str
    down: tuple[str, ...]  # the parents in the file's down_revision
    depends_on: tuple[str, ...]  # ids; a branch label is resolved to its revision
    labels: tuple[str, ...]
    path: Path
    message: str
    phase: str | None  # expand, backfill or contract; None for a revision that does not say
    missing: tuple[str, ...]  # packages that do not load here; stand-ins took their place
    script: Script = field(repr=False, compare=False)
    scripts: ScriptDirectory = field(repr=False, compare=False)

    @property
    def parents(self) -> tuple[str, ...]:
        """What must be applied before: the parents and what it depends on."""
        return tuple(dict.fromkeys((*self.down, *self.depends_on)))

    @property
    def file(self) -> str:
        """The path as messages show it."""
        return environment.shown(self.path)

    def line_of(self, name: str) -> int:
        """The line where the file assigns or defines ``name``; 1 when it does not."""
        return line_of(self.path, name)

    def fresh(self) -> Script:
        """The file as in a process of its own: its code may change what it has at module level."""
        module = self.script.module
        values = (value for name, value in vars(module).items() if not name.startswith("__"))
        if all(is_fixed(value, module.__name__) for value in values):
            return self.script
        script = copy(self.script)
        with contextlib.suppress(HistoryError):
            if (loaded := load_one(self.scripts, self.path, all_load=False)) is not None:
                script.module = loaded.module
        return script


@dataclass(frozen=True)
class History:
    """The revisions of a project from base to heads, in the order in which they are applied.

    ``heads`` are those that nothing builds or depends on: what a database has in its version
    table when all is applied.
    """

    revisions: tuple[Revision, ...]
    heads: tuple[str, ...]
    scripts: ScriptDirectory = field(repr=False, compare=False)

    def __iter__(self) -> Iterator[Revision]:
        return iter(self.revisions)

    def __len__(self) -> int:
        return len(self.revisions)

    def revision(self, name: str) -> Revision:
        """The revision of an id, the beginning of one, a branch label, or ``head``.

        ``NAME-2`` is two revisions before that of the name, ``-2`` two before the head. Raises
        HistoryError when there is none or more than one.
        """
        if behind := _BEFORE.fullmatch(name):
            return self._before(self.revision(behind[1] or "head"), int(behind[2]))
        try:
            script = self.scripts.get_revision(name)
        except (CommandError, RevisionError) as error:
            raise HistoryError(
                where=environment.shown(Path(self.scripts.dir)),
                reason=sentence(error),
                advice="The heads are " + (", ".join(self.heads) or "none"),
            ) from error
        return self._known[script.revision]

    def _before(self, revision: Revision, steps: int) -> Revision:
        for taken in range(steps):
            if len(revision.down) != 1:
                raise HistoryError(
                    where=revision.file,
                    reason=f"no one revision is {steps} before: {taken} before, "
                    + ("two branches meet" if revision.down else "the history begins"),
                    advice="Name the revision itself, or base",
                )
            revision = self._known[revision.down[0]]
        return revision

    def head(self) -> Revision | None:
        """The one head; None for an empty history. Raises HistoryError when there are several."""
        if len(self.heads) > 1:
            others = [self.revision(head) for head in self.heads]
            raise HistoryError(
                where=others[-1].file,
                reason="the history has "
                + f"{len(others)} heads: "
                + ", ".join(f"{head.id} ({head.path.name})" for head in others),
                advice="Put yours behind the others with zd generate --rebase, or join them with "
                "alembic merge heads",
            )
        return self.revision(self.heads[0]) if self.heads else None

    @cached_property
    def _known(self) -> dict[str, Revision]:
        """By id: Alembic looks a name up in more ways than a history of hundreds can afford."""
        return {each.id: each for each in self.revisions}

    def ancestors(self, revision: Revision) -> tuple[Revision, ...]:
        """All that must be applied before ``revision``, in order."""
        wanted, todo = set[str](), list(revision.parents)
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo += (self._known.get(name) or self.revision(name)).parents
        return tuple(each for each in self.revisions if each.id in wanted)


def read_history(project: Project, *, all_load: bool = True) -> History:
    """Load all revision files. Raises HistoryError with the file and line of what is wrong.

    Without ``all_load``, stand-ins take the place of packages that do not load here; the functions
    of a revision that can't do without them raise HistoryError.
    """
    with environment.guest(project):
        scripts = project.scripts()
        loaded = load(scripts, all_load)
        check(loaded)
        scripts.revision_map = RevisionMap(lambda: loaded)
        try:
            ordered = list(scripts.walk_revisions("base", "heads"))
        except (CommandError, RevisionError) as error:
            raise HistoryError(
                where=environment.shown(Path(scripts.dir)),
                reason=sentence(error),
                advice="Check down_revision and depends_on of these files",
            ) from error
        return History(
            revisions=tuple(_revision(script, scripts) for script in reversed(ordered)),
            heads=tuple(sorted(scripts.revision_map._real_heads)),
            scripts=scripts,
        )


def _revision(script: Script, scripts: ScriptDirectory) -> Revision:
    phase = getattr(script.module, "phase", None)
    depends_on = script._resolved_dependencies  # labels resolved, unlike .dependencies
    return Revision(
        id=script.revision,
        down=tuple(script._versioned_down_revisions),
        depends_on=tuple(depends_on),
        labels=tuple(sorted(script._orig_branch_labels)),
        path=Path(script.path),
        message=script.doc,
        phase=phase if phase in PHASES else None,
        missing=getattr(script.module, MISSING, ()),
        script=script,
        scripts=scripts,
    )
