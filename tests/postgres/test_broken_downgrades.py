"""A history as strangers have them: each broken downgrade is found and named for what it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project
from zero_downtime.rehearse import Options, parts, rehearse

LONG_KEY = (
    "ALTER TABLE a ADD part int CONSTRAINT part_key REFERENCES a "
    "(identifier_that_nobody_ever_calls_short)"
)

# upgrade, downgrade, outcome (None: the upgrade fails), what is said of it
HISTORY = [
    (
        'op.create_table("a", sa.Column("id", sa.Integer, primary_key=True), '
        'sa.Column("identifier_that_nobody_ever_calls_short", sa.Integer, unique=True), '
        'sa.Column("n", sa.Integer))',
        'op.drop_table("a")',
        "restores",
        "",
    ),
    (
        'op.create_table("b", sa.Column("k", sa.Enum("x", "y", name="kind")))',
        'op.drop_table("b")',
        "differs",
        "left behind: type public.kind",
    ),
    ('op.add_column("a", sa.Column("m", sa.Integer))', "pass", "does-nothing", "does nothing"),
    (
        'op.create_foreign_key(None, "a", "a", ["n"], ["id"])',
        'op.drop_constraint(None, "a", type_="foreignkey")',
        "raises",
        "r3.py:8: the downgrade raises (a constraint is to be dropped and has no name",
    ),
    (
        'op.execute("ALTER TYPE kind ADD VALUE \'z\'")',
        "pass",
        "does-nothing",
        "r4.py:7: the downgrade does nothing",
    ),
    ("pass", "raise NotImplementedError('one way')", "raises", "NotImplementedError: one way"),
    ('op.drop_column("a", "m")', 'op.add_column("a", sa.Column("m", sa.Integer))', "restores", ""),
    ("pass", "pass", "restores", ""),
    (
        'op.execute("CREATE SEQUENCE tickets")\n'
        'op.execute("ALTER TABLE a ADD t int DEFAULT nextval(\'tickets\')")',
        'op.drop_column("a", "t")',
        "differs",
        "left behind: sequence public.tickets",
    ),
    (
        'op.execute("CREATE DOMAIN age AS int")\nop.execute("CREATE TABLE c (v age)")',
        'op.execute("DROP TABLE c")',
        "differs",
        "left behind: domain public.age",
    ),
    # Long definitions are told where they differ.
    (
        'op.execute("ALTER SEQUENCE tickets CACHE 5")',
        'op.execute("ALTER SEQUENCE tickets CACHE 7")',
        "differs",
        "sequence public.tickets: … NO MAXVALUE CACHE 1 → … NO MAXVALUE CACHE 7)",
    ),
    (f'op.execute("{LONG_KEY} ON DELETE SET NULL")', 'op.drop_column("a", "part")', "restores", ""),
    (
        'op.drop_column("a", "part")',
        f'op.execute("{LONG_KEY}")',
        "differs",
        ": … public.a(identifier_that_nobody_ever_calls_short) ON DELETE SET NULL → "
        "… public.a(identifier_that_nobody_ever_calls_short)",
    ),
    # The error that the revision caught is the one to tell.
    (
        "pass",
        'try:\n    op.execute("SELECT nothing_there")\nexcept Exception:\n    pass\n'
        'op.execute("SELECT 1")',
        "raises",
        'column "nothing_there" does not exist',
    ),
    # Its module is not installed here.
    (
        'op.add_column("a", sa.Column("price", Money()))',
        'op.drop_column("a", "price")',
        "restores",
        "",
    ),
    ("pass", "backfill()", "raises", "without the package no_such_app nobody knows"),
    # It uses up what its module has, so that it runs once in a process.
    ('op.add_column("a", sa.Column(NAMES.pop(), sa.Integer))', 'op.drop_column("a", "d")',
     "restores", ""),
    # It fails the third time, when it worked on copies.
    (
        'import os\nos.environ["RUNS"] += "x"\nassert os.environ["RUNS"] != "xxx"',
        "pass",
        "restores",
        "",
    ),
    (
        'op.execute("CREATE INDEX CONCURRENTLY a_n ON a (n)")',
        'op.drop_index("a_n")',
        None,
        "CREATE INDEX CONCURRENTLY cannot run inside a transaction block",
    ),
]  # fmt: skip
# Beside the one that fails, so that it goes on.
BRANCH = (
    'with op.get_context().autocommit_block():\n'
    '    op.execute("CREATE INDEX CONCURRENTLY a_n ON a (n)")',
    'op.drop_index("a_n")',
)  # fmt: skip


@pytest.fixture
def history(make_project: Callable[..., Project]) -> Project:
    imports = {
        number: f"from no_such_app import {name}\n"
        for number, (up, down, *_) in enumerate(HISTORY)
        for name in ("Money", "backfill")
        if name in up + down
    }
    imports |= {n: "NAMES = ['d']\n" for n, one in enumerate(HISTORY) if "NAMES" in one[0]}
    project = make_project(*((up, down) for up, down, *_ in HISTORY), BRANCH, more=imports)
    last = project.root / "migrations" / "versions" / f"r{len(HISTORY)}.py"
    parent = f"'r{len(HISTORY) - 2}'"
    text = last.read_text().replace(f"= 'r{len(HISTORY) - 1}'", f"= {parent}")
    last.write_text(text)
    return project


@pytest.mark.parametrize("few", [120, 4])  # in one go, and in two processes
def test_broken_downgrades_are_named(
    history: Project, server: EmbeddedServer, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("RUNS", "")
    monkeypatch.setattr(parts, "_FEW", few)
    told: list[str] = []
    result = rehearse(history, Options(server=server.url(), quick=True), told.append)
    found = {r.revision: r for r in result.revisions}
    assert len(found) == len(HISTORY) + 1
    for number, (_, _, outcome, said) in enumerate(HISTORY):
        one = found[f"r{number}"]
        assert (one.rollback and one.rollback.outcome) == outcome, one
        assert said in " ".join(one.reasons), one.reasons
        assert bool(one.reasons) == (outcome != "restores")
    branch = found[f"r{len(HISTORY)}"]
    assert branch.rollback is not None and branch.rollback.outcome == "restores"
    assert result.stopped is None
    # One run tells what raises or does nothing: no copies are made of those.
    closely = {line.split()[1] for line in told if "/" in line.split()[0]}
    assert "r0" not in closely
    plain = {f"r{n}" for n, one in enumerate(HISTORY) if one[2] in ("raises", "does-nothing")}
    assert not closely & plain


def test_a_history_that_begins_with_nothing(
    make_project: Callable[..., Project], server: EmbeddedServer
) -> None:
    project = make_project(
        "pass",
        'op.execute("CREATE TABLE a ()")',
        'op.execute("ALTER TABLE events.roles ADD a int")',
    )
    below = project.root / "migrations" / "versions" / "2023" / "other.py"
    below.parent.mkdir()
    below.write_text("revision = 'other'\ndown_revision = 'r0'\n")
    result = rehearse(project, Options(server=server.url(), quick=True))
    assert "files in folders below that look like revisions (1, such as " in result.notes[0]
    outcomes = [one.rollback and one.rollback.outcome for one in result.revisions]
    assert outcomes == ["restores", "does-nothing", None]
    reason = result.revisions[2].reasons[0]
    assert "begin on tables made elsewhere? Give a dump of them with --data" in reason
