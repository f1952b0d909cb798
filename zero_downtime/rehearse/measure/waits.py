"""Whom each step kept waiting, by the server's own account of waits for locks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from zero_downtime.postgres.locks import LockMode
from zero_downtime.rehearse.measure.sampler import Horizon, Timed
from zero_downtime.rehearse.measure.serverlog import RESOLUTION_MS, Waited, blocks
from zero_downtime.rehearse.result import LockWait

# Relation (``schema.name``) and mode of the locks that one step takes.
Taken = Sequence[tuple[str, LockMode]]


def by_step(
    waits: Iterable[Waited],
    process: int | None,
    timed: Sequence[Timed],
    taken: Sequence[Taken],
    names: Mapping[int, str],
) -> list[tuple[LockWait, ...]]:
    """The waits of ``process``, the migration, and of those behind it, to the step at fault.

    A lock is kept until the end of its transaction: clients that came later wait for the step
    that took it, not for the one that runs.
    """
    sorted_out: list[dict[tuple[bool, int | None, str], list[float]]] = [
        defaultdict(list) for _ in timed
    ]
    for waited in waits:
        mine = waited.process == process
        if not timed or not (mine or process in waited.ahead):
            continue  # clients among themselves
        groups = sorted_out[_step_of(waited, mine, timed, taken, names)]
        groups[mine, waited.relation, waited.mode].append(waited.end - waited.start)
    return [
        tuple(
            LockWait(
                "migration" if mine else "client",
                None if relation is None else names.get(relation, f"relation {relation}"),
                _spelt(mode),
                len(lengths),
                max(lengths),
                sum(lengths),
            )
            for (mine, relation, mode), lengths in groups.items()
        )
        for groups in sorted_out
    ]


def _step_of(
    waited: Waited,
    mine: bool,
    timed: Sequence[Timed],
    taken: Sequence[Taken],
    names: Mapping[int, str],
) -> int:
    # When it was logged who was ahead: by then the step at fault had begun.
    logged = waited.start + RESOLUTION_MS / 1000
    begun = [number for number, one in enumerate(timed) if one.start <= logged] or [0]
    running = begun[-1]
    name = names.get(waited.relation or 0)
    transaction = timed[running].statement.transaction
    if not mine and transaction is not None:
        for number in begun:
            within = timed[number].statement.transaction == transaction
            if within and any(r == name and blocks(m, waited.mode) for r, m in taken[number]):
                return number
    return running


def _spelt(mode: str) -> str:
    try:
        return LockMode.parse(mode).sql
    except KeyError:
        return mode


def horizon(horizons: Iterable[Horizon], start: float, end: float) -> tuple[float, int]:
    """The age of the oldest transaction that was needed in that time: seconds, transactions."""
    seen = [h for h in horizons if h.first <= end and h.last >= start]
    if not seen:
        return 0.0, 0
    return max(min(h.last, end) - h.first for h in seen), max(h.age for h in seen)
