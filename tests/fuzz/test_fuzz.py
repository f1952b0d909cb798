"""Any text can be linted: mutated real statements, nesting, bytes. Only our errors come out.

``make test`` tries the same few hundred texts each time, ``make fuzz`` new ones for a minute
(FUZZ_SECONDS). Every text that broke something stands in BROKE.
"""

from __future__ import annotations

import os
import random
import re
import time
from functools import cache

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from zero_downtime.errors import ZeroDowntimeError
from zero_downtime.lint import lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.registry import rules
from zero_downtime.lint.run import Request, effects_of_request
from zero_downtime.lint.sql_files import sql_histories
from zero_downtime.lint.texts import decoded
from zero_downtime.report.lint import EFFECT_SHAPES, SHAPES, effects_shown, shown
from zero_downtime.sql.forms import forms, schema
from zero_downtime.sql.state import State

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
TOKEN = re.compile(r"\s+|\w+|'[^']*'|\"[^\"]*\"|.", re.DOTALL)
NASTY = (
    *(
        "\0",
        "\ufeff",
        "\r\n",
        "\t",
        "é",
        "\U0001d54f",
        "\u2028",
        "\x1b",
        "\x7f",
        "'",
        '"',
        "$$",
        "$a$",
    ),
    *("--", "/*", "*/", "\\", "\\gexec", "\\.", ";", "(", ")", "E'\\", "U&'", "::", "$1", ":'x'"),
    *("BEGIN;", "COMMIT;", "ROLLBACK;", "SAVEPOINT a;", "ROLLBACK TO a;", "BEGIN ATOMIC", "END"),
    *("-- zd: ignore[no-lock-timeout] x\n", "-- zd: ignore[", "COPY t FROM stdin;\n", "{{ x }}"),
    *("-- +goose Up\n", "-- +goose Down\n", "-- migrate:down\n", "CREATE RULE", "DO $$"),
    *("orders", "public.orders", "nowhere", '"', "pg_temp.x", "CASCADE", "ONLY", "NULL", "0", "-1"),
    *("99999999999999999999", "1e400", "interval", "VARIADIC", "ALL", "USING", "WITH", "AS", "IF"),
)
BROKE = (
    "ATOMIC",
    "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    "SELECT " + "NOT " * 3000 + "true",
    "SELECT 1" + " + 1" * 5000,
    "SELECT " + "ARRAY[" * 1000 + "]" * 1000,
    "CREATE VIEW v AS " + "SELECT * FROM (" * 1000 + "SELECT 1" + ") a" * 1000,
    "ALTER TABLE orders ADD CHECK (" + "a AND (" * 2000 + "b" + ")" * 2000 + ")",
    "".join(f"CREATE VIEW v{n + 1} AS SELECT * FROM v{n};" for n in range(1500)) + "DROP VIEW v1;",
    "".join(f"CREATE TABLE c{n + 1} () INHERITS (c{n});" for n in range(1500))
    + "ALTER TABLE c0 ADD COLUMN a int;",
    "".join(f"CREATE DOMAIN d{n + 1} AS d{n};" for n in range(1500))
    + "ALTER TABLE orders ALTER COLUMN id TYPE d1500;",
)


@cache
def seeds() -> tuple[str, ...]:
    """The statement forms of the lock model, and the examples of the rules."""
    found = [form.sql for family in forms().values() for form in family]
    for rule in rules().values():
        found += [rule.bad, rule.good]
    return (*found, schema())


@cache
def known() -> State:
    return example_state()


def mutated(source: random.Random) -> bytes:
    """A text made of real statements, cut up, mixed and spoilt."""
    tokens = TOKEN.findall(";\n".join(source.sample(seeds()[:-1], source.randint(1, 4))))
    for _ in range(source.choice((0, 1, 1, 2, 3, 5, 8, 20))):
        at = source.randrange(len(tokens) + 1)
        what = source.randrange(9)
        if what == 0:
            del tokens[at : at + source.randint(1, 3)]
        elif what == 1:
            tokens[at:at] = tokens[at : at + source.randint(1, 9)]
        elif what == 2 and tokens:
            other = source.randrange(len(tokens))
            tokens[at : at + 1], tokens[other] = [tokens[other]], "".join(tokens[at : at + 1])
        elif what in (3, 4):
            tokens.insert(at, f" {source.choice(NASTY)} " if what == 3 else source.choice(NASTY))
        elif what == 5:
            donor = TOKEN.findall(source.choice(seeds()))
            cut = source.randrange(len(donor))
            tokens[at:at] = donor[cut : cut + source.randint(1, 12)]
        elif what == 6:
            words = [n for n, token in enumerate(tokens) if token.isidentifier()]
            if words:
                tokens[source.choice(words)] = source.choice(tokens)
        elif what == 7:
            depth = source.choice((1, 3, 60, 800))
            tokens[at : at + 1] = ["(" * depth, *tokens[at : at + 1], ")" * depth]
        elif what == 8:
            tokens.insert(at, "".join(chr(source.randrange(1, 0x250)) for _ in range(6)))
    content = "".join(tokens).encode("utf-8", "surrogatepass")
    if source.random() < 0.05:
        spoilt = bytearray(content)
        for _ in range(source.randint(1, 5)):
            spoilt[source.randrange(len(spoilt) + 1) :][:1] = bytes([source.randrange(256)])
        content = bytes(spoilt)
    return content


def check(content: bytes) -> None:
    """Lint a text in all ways; a ZeroDowntimeError may come out, nothing else."""
    text = decoded(content)
    for state in (None, known()):
        for units in sql_histories([], text):
            report = lint_units(units, state)
            for shape in SHAPES:
                shown(report, shape)
            lines = len(re.findall(r"\r\n?|\n", text.text)) + 1
            for finding in report.findings:
                assert 1 <= finding.location.line <= lines, finding
    try:
        effects = effects_of_request(Request(stdin=text), None)
    except ZeroDowntimeError:
        return
    for shape in EFFECT_SHAPES:
        effects_shown(effects, shape)


@pytest.mark.parametrize("text", BROKE, ids=range(len(BROKE)))
def test_what_once_broke_something(text: str) -> None:
    check(text.encode())


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(st.randoms(use_true_random=False))
def test_any_text_can_be_linted(source: random.Random) -> None:
    check(mutated(random.Random(source.getrandbits(64))))


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_can_be_linted(content: bytes) -> None:
    check(content)


@pytest.mark.skipif(not SECONDS, reason="make fuzz runs it, for a minute")
def test_new_texts_for_a_while() -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        number = random.SystemRandom().getrandbits(32)

        @seed(number)
        @settings(
            max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(st.integers(0, 2**64))
        def some(start: int) -> None:
            check(mutated(random.Random(start)))

        some()
