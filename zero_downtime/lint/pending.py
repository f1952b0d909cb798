"""Revisions that are applied together in one transaction, as Alembic does unless told otherwise.

Which ones are pending is known with ``--diff`` only: those that changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from zero_downtime.lint.unit import Unit
from zero_downtime.sql.statement import Statement


def in_one_transaction(units: Sequence[Unit]) -> list[Unit]:
    """The units of a history, those to be reported as one where they follow each other.

    A phase is a deployment of its own. A downgrade is a revision at a time.
    """
    found: list[Unit] = []
    for unit in units:
        last = found[-1] if found else None
        if last is not None and _go_together(last, unit):
            found[-1] = _joined(last, unit)
        else:
            found.append(unit)
    return found


def _go_together(first: Unit, second: Unit) -> bool:
    both = (first, second)
    return (
        all(unit.report and unit.revision is not None for unit in both)
        and first.phase == second.phase
        # A revision that can't go back is told by itself.
        and all(unit.upgrade and unit.downgrade for unit in both)
    )


def _joined(first: Unit, second: Unit) -> Unit:
    return structs.replace(
        first,
        upgrade=(*first.upgrade, *_continuing(first.upgrade, second.upgrade)),
        downgrade=(*second.downgrade, *_behind(second.downgrade, first.downgrade)),
        suppressions=(*first.suppressions, *second.suppressions),
        notes=(*first.notes, *second.notes),
        also=(*first.also, second.file),
    )


def _continuing(before: Sequence[Statement], after: Sequence[Statement]) -> list[Statement]:
    """The statements in the transaction that those before left open."""
    number = before[-1].transaction
    if number is None or after[0].transaction is None:
        return _behind(before, after)
    return _shifted(after, number - after[0].transaction)


def _behind(before: Sequence[Statement], after: Sequence[Statement]) -> list[Statement]:
    """The statements in transactions of their own."""
    return _shifted(after, 1 + max((each.transaction or 0 for each in before), default=0))


def _shifted(statements: Sequence[Statement], by: int) -> list[Statement]:
    return [
        each
        if each.transaction is None
        else structs.replace(each, transaction=each.transaction + by)
        for each in statements
    ]
