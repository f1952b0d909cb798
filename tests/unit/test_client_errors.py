"""Errors of clients are told by kind, however different the values that they quote."""

from dataclasses import replace

from zero_downtime.rehearse.traffic.clients import Failure, Sample
from zero_downtime.rehearse.traffic.errors import client_errors
from zero_downtime.rehearse.traffic.workload import Workload

_NONE: frozenset[str] = frozenset()
_ANY = Workload((), (), (), _NONE, frozenset(), frozenset(), _NONE, frozenset())


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


def test_an_enum_value_that_was_one_is_no_made_up_value() -> None:
    known = replace(_ANY, labels=frozenset({("mood", "ok")}))
    refused = 'invalid input value for enum {}: "{}"'
    for enum in ("mood", '"mood"', "shop.mood", 'shop."mood"'):
        [error] = client_errors([_failed("22P02", refused.format(enum, "ok"))], known)
        assert not error.values, enum
    [error] = client_errors([_failed("22P02", refused.format("mood", "good"))], known)
    assert error.values


def test_a_number_that_the_server_gave_is_no_made_up_value() -> None:
    numbered = replace(_ANY, numbered=frozenset({"orders_pkey"}))
    for constraint, made_up in (("orders_pkey", False), ("orders_code_key", True)):
        failure = Failure("23505", "duplicate key value", constraint)
        [error] = client_errors([replace(_failed("", ""), failure=failure)], numbered)
        assert error.values is made_up
