"""Where the lock model and the server disagree about what a statement did."""

from __future__ import annotations

from collections.abc import Collection

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.effects import Effect


def differences(
    predicted: Effect | None,
    taken: dict[str, LockMode],
    held: dict[str, set[LockMode]],
    rewrote: tuple[str, ...],
    exact: bool,
    certain: bool = True,
    partitions: Collection[str] = (),
) -> tuple[str, ...]:
    """Where prediction and observation disagree, each as a sentence.

    A lock that the transaction held already can't be seen to be taken again, one that is only
    sampled may be too short to be seen, a branch may not be taken, and rows may go to any of the
    ``partitions`` below what is locked: none is a disagreement. Nor is ACCESS SHARE on what a
    statement only mentions, which 18 does not ask for where it holds more: so it was observed of
    the sequence in a default.
    """
    if predicted is None or predicted.unknown:
        return ()
    foreseen = {lock.relation: lock.mode for lock in predicted.locks}
    said = []
    for relation in sorted(foreseen.keys() | taken.keys()):
        expected, mode = foreseen.get(relation), taken.get(relation)
        routed = relation in partitions and (mode or 0) <= LockMode.ROW_EXCLUSIVE
        if routed and (expected or 0) <= LockMode.ROW_EXCLUSIVE:
            continue
        if expected is None and mode is not None:
            said.append(f"took {mode.sql} on {relation}, nothing was predicted")
        elif expected is not None and mode is not None and mode > expected:
            said.append(f"took {mode.sql} on {relation}, predicted was {expected.sql}")
        elif (
            expected is not None
            and (mode is None or mode < expected)
            and exact
            and certain
            and expected not in held.get(relation, ())
            and not (expected == LockMode.ACCESS_SHARE and relation in held)
        ):
            took = mode.sql if mode else "nothing"
            said.append(f"took {took} on {relation}, predicted was {expected.sql}")
    for relation in sorted(set(rewrote) - set(predicted.rewrites)):
        said.append(f"rewrote {relation}, which was not predicted")
    for relation in sorted(set(predicted.rewrites) - set(rewrote) if certain else ()):
        said.append(f"did not rewrite {relation}, as was predicted")
    return tuple(said)
