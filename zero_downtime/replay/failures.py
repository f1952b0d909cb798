"""What went wrong in a revision, as one sentence with its place."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from zero_downtime import environment
from zero_downtime.errors import ExtensionMissing, HistoryError, RevisionFailed, SeveralDatabases
from zero_downtime.history import Revision
from zero_downtime.history.rendering import refuse_several_databases
from zero_downtime.postgres import failure
from zero_downtime.sql.statement import Direction, Location, Statement


class NotPostgreSQL(Exception):
    """The project's code made an engine for another kind of database."""


def revision_failed(
    error: BaseException, revision: Revision, direction: Direction, statement: Statement | None
) -> RevisionFailed:
    """An error that a revision's function raised; ``statement`` is its last one."""
    if isinstance(error, HistoryError):
        return refused(error, revision, direction)
    state = failure.sqlstate(error)
    reason = _reason(error, state)
    lines = environment.lines_in(error, revision.path)
    facts: dict[str, Any] = {
        "where": Location(revision.file, lines[-1] if lines else revision.line_of(direction)),
        "revision": revision.id,
        "direction": direction,
        "reason": reason,
        "sqlstate": state,
        "statement": "",
        "sql": None,
    }
    if state is not None and statement is not None:
        text = " ".join(statement.sql.split())
        shown = text if len(text) < 300 else text[:300] + " …"
        facts |= {
            "where": statement.location,
            "statement": f", at: {shown}",
            "sql": statement.sql,
        }
    found = re.search(r'extension "([^"]+)" is not available', reason)
    if found:
        return ExtensionMissing(**facts, extension=found[1])
    return RevisionFailed(**facts)


def refused(error: HistoryError, revision: Revision, direction: Direction) -> RevisionFailed:
    """What a revision itself refuses: it lacks a function, or a package."""
    return RevisionFailed(
        where=error.facts["where"],
        revision=revision.id,
        direction=direction,
        reason=f"{error.facts['reason']}. {error.facts.get('advice', '')}".rstrip(". "),
        sqlstate=None,
        statement="",
        sql=None,
    )


def check_callable(revision: Revision, direction: Direction) -> None:
    """Raise SeveralDatabases or RevisionFailed for a function that can't be called as it is."""
    try:
        refuse_several_databases(revision, direction)
    except SeveralDatabases:
        raise
    except HistoryError as error:
        raise refused(error, revision, direction) from error


def _reason(error: BaseException, state: str | None) -> str:
    if _is_foreign_transaction(error):
        return "autocommit_block() needs a transaction of Alembic's own, env.py began another"
    if isinstance(error, sa.exc.CompileError) and "it has no name" in str(error):
        return "a constraint is to be dropped and has no name, drop_constraint(None) can't work"
    reason = failure.message(error)
    if isinstance(error, NotPostgreSQL):
        return reason
    return reason if state is not None else f"{type(error).__name__}: {reason}"


def _is_foreign_transaction(error: BaseException) -> bool:
    """Whether Alembic's autocommit_block met a transaction that it did not begin."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        isinstance(error, AssertionError)
        and trace is not None
        and trace.tb_frame.f_code.co_name == "autocommit_block"
    )
