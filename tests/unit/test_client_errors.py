"""Errors of clients are told by kind, however different the values that they quote."""

from zero_downtime.rehearse.live import client_errors
from zero_downtime.rehearse.traffic.clients import Failure, Sample
from zero_downtime.rehearse.traffic.workload import Workload

_ANY = Workload((), (), (), frozenset(), frozenset(), frozenset())


def _failed(sqlstate: str, message: str) -> Sample:
    return Sample("public.posting", "insert", True, 0.0, 1.0, Failure(sqlstate, message))


def test_a_value_that_is_quoted_makes_no_other_error() -> None:
    refused = [f'invalid input syntax for type bigint: "{n}.5"' for n in range(3)]
    errors = client_errors([_failed("22P02", message) for message in refused], _ANY)
    assert [(e.count, e.message, e.values) for e in errors] == [(3, refused[0], True)]


def test_a_name_that_is_quoted_does() -> None:
    gone = [f'relation "{name}" does not exist' for name in ("invoice", "posting")]
    errors = client_errors([_failed("42P01", message) for message in gone], _ANY)
    assert [(e.count, e.message) for e in errors] == [(1, gone[0]), (1, gone[1])]
