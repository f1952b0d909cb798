"""The errors of clients: whether they come of the migration, and by kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

from zero_downtime.postgres.failure import DEADLOCK_DETECTED
from zero_downtime.rehearse.result import ClientError
from zero_downtime.rehearse.traffic.clients import Failure, Sample
from zero_downtime.rehearse.traffic.workload import Workload

# A value that a message quotes: with another one it is the same error.
_VALUE = re.compile(r'(?<=: )".*"|(?<=value )".*?"')
# What enum_in says of a value that is not, or no longer, one of an enum's.
_NO_LABEL = re.compile(
    r'invalid input value for enum (?:.*\.)?"?(?P<enum>.*?)"?: "(?P<value>.*)"\Z'
)


def client_errors(
    samples: Iterable[Sample], workload: Workload, processes: Collection[int] = ()
) -> tuple[ClientError, ...]:
    """The errors that the application would not have seen without the migration, by kind.

    ``processes`` are those of the server that ran the migration.
    """
    kinds: Counter[tuple[str, str, bool]] = Counter()
    first: dict[tuple[str, str, bool], str] = {}
    for sample in samples:
        failure = sample.failure
        if failure is not None and caused_by_migration(failure, workload, processes):
            values = about_values(failure, workload)
            said = _VALUE.sub("", failure.message) if values else failure.message
            kind = failure.sqlstate, said, values
            kinds[kind] += 1
            first.setdefault(kind, failure.message)
    return tuple(
        ClientError(kind[0], count, first[kind], kind[2]) for kind, count in kinds.most_common()
    )


def caused_by_migration(
    failure: Failure, workload: Workload, processes: Collection[int] = ()
) -> bool:
    """Whether an application would not have seen this error without the migration."""
    if failure.sqlstate in ("23505", "23503", "23514", "23P01", "23001"):
        return failure.constraint not in workload.constraints
    if failure.sqlstate == "23502":
        return (failure.table or "", failure.column or "") not in workload.required
    if failure.sqlstate == DEADLOCK_DETECTED:  # those among clients are everyday
        return not failure.circle.isdisjoint(processes)
    # And so are serialisation failures and our own cancelling.
    return failure.sqlstate not in ("40001", "57014")


def about_values(failure: Failure, workload: Workload) -> bool:
    """Whether it is a value that the new schema minds, of a column that the application fills.

    Our values are synthetic: the real application may have kept to the rule all along.
    """
    if failure.sqlstate == "23502":
        return (failure.table or "", failure.column or "") in workload.columns
    if failure.sqlstate == "23505" and failure.constraint in workload.numbered:
        return False
    label = _NO_LABEL.match(failure.message)
    if label is not None and (label["enum"], label["value"]) in workload.labels:
        return False
    return failure.sqlstate in ("23505", "23503", "23514", "23P01", "22001", "22003", "22P02")
