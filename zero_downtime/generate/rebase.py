"""Two developers' heads become one line again: our revisions follow those of the branch we join.

*Ours* are the revision files that the branch does not have. The first of them gets the branch's
head as its parent; nothing else in the files changes, and they stay so only when the whole history
runs up, and ours down again to where they start.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zero_downtime.catalog import compare_stable, read_catalog
from zero_downtime.errors import HistoryError, InputError, RevisionFailed
from zero_downtime.generate.states import declared
from zero_downtime.history import Revision, read_history
from zero_downtime.history.seal import edited, generated, sealed
from zero_downtime.lint.git import Base
from zero_downtime.postgres.server import Server, open_server
from zero_downtime.project import Project
from zero_downtime.replay import Replay

Say = Callable[[str], None]
_USUAL = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


@dataclass(frozen=True)
class Rebased:
    """The outcome: what was moved behind which revision, all in order; nothing with one head."""

    moved: tuple[Revision, ...] = ()
    onto: Revision | None = None
    notes: tuple[str, ...] = ()


def rebase(
    project: Project,
    ref: str | None = None,
    server: str | None = None,
    say: Say = lambda line: None,
) -> Rebased:
    """Put our revisions behind the head of a git ref (default: the remote's default branch).

    Raises HistoryError, InputError and what the scratch server may raise; then no file is changed.
    """
    history = read_history(project)
    if len(history.heads) < 2:
        return Rebased()
    base = _base(project, ref)
    changed = base.changed()
    ours = [each for each in history if each.path.resolve() in changed]
    onto = _only_head([each for each in history if each not in ours], f"what {base.ref} has")
    _only_head(ours, f"what {base.ref} has not")
    known = {each.id for each in ours}
    first = [each for each in ours if not known & set(each.parents)]
    texts = {each.path: each.path.read_text("utf-8") for each in first}
    try:
        for each in first:
            each.path.write_text(_behind(each, onto), "utf-8")
        notes = _prove(project, [each.id for each in ours], onto, server, say)
    except BaseException:
        for path, text in texts.items():
            path.write_text(text, "utf-8")
        raise
    return Rebased(tuple(ours), onto, notes)


def _base(project: Project, ref: str | None) -> Base:
    if ref:
        return Base(ref, project.root, "--rebase")
    for usual in _USUAL:
        with contextlib.suppress(InputError):
            return Base(usual, project.root, "--rebase")
    raise InputError(
        where="--rebase",
        reason=f"git knows none of {', '.join(_USUAL)} here",
        advice="Name the branch that you join: --rebase BRANCH",
    )


def _only_head(revisions: Sequence[Revision], whose: str) -> Revision:
    parents = {parent for each in revisions for parent in each.parents}
    heads = [each for each in revisions if each.id not in parents]
    if len(heads) != 1:
        named = ", ".join(f"{each.id} ({each.path.name})" for each in heads) or "none"
        raise HistoryError(
            where=heads[-1].file if heads else "--rebase",
            reason=f"{whose} must have one head for that, and has {named}",
            advice="Join heads with: alembic merge heads",
        )
    return heads[0]


def _behind(revision: Revision, parent: Revision) -> str:
    """The file's text with another parent."""
    text = revision.path.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(each, ast.Name) and each.id == "down_revision" for each in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            start, end = node.value.lineno - 1, (node.value.end_lineno or node.value.lineno) - 1
            before = lines[start].encode()[: node.value.col_offset].decode()
            after = lines[end].encode()[node.value.end_col_offset :].decode()
            lines[start : end + 1] = [f'{before}"{parent.id}"{after}']
            break
    revises = re.compile(r"^Revises:.*$", re.MULTILINE)
    moved = revises.sub(f"Revises: {parent.id}", "".join(lines), count=1)
    untouched = generated(revision) and not edited(revision)
    return sealed(moved) if untouched else moved


def _prove(
    project: Project, ours: Sequence[str], onto: Revision, where: str | None, say: Say
) -> tuple[str, ...]:
    """Run all of it up and ours down. Notes what is left to do."""
    history = read_history(project)
    head = history.head()
    moved = [each for each in history if each.id in ours]
    rest = [each for each in history if each.id not in ours]
    with contextlib.closing(open_server(where or project.config.server)) as server:
        say(f"replaying {len(history)} revisions on PostgreSQL {server.version}")
        database = server.create_database()
        replay = Replay(project, server.url(database), history=history, copies=True)
        replay.run_all(rest, "upgrade")
        start = read_catalog(server, database)
        try:
            replay.run_all(moved, "upgrade")
            notes = _left_to_do(project, server, database)
            replay.run_all(moved[::-1], "downgrade")
        except RevisionFailed as error:
            raise HistoryError(
                where=error.facts["where"],
                reason=f"the {error.facts['direction']} of {error.facts['revision']} fails behind "
                f"{onto.id} ({error.facts['reason']})",
                advice="Both branches change the same; no file was changed",
            ) from error
        comparison = compare_stable(server, read_catalog(server, database), start)
    if not comparison.equal:
        raise HistoryError(
            where=head.file if head else "",
            reason=f"behind {onto.id} the way down does not lead back: "
            + "; ".join(comparison.describe()),
            advice="Both branches change the same; no file was changed",
        )
    return notes


def _left_to_do(project: Project, server: Server, database: str) -> tuple[str, ...]:
    if project.schemas is None:
        return ()
    wanted, _ = declared(project, server)
    if compare_stable(server, read_catalog(server, database), wanted.catalog).equal:
        return ()
    return ("the schema modules are not what the one head says: run zd generate",)
