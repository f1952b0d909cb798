"""Random pairs of schemas: the plan between them converges, or says what it can't do and why.

Both are drawn from the same few names, so that they differ in everything that may differ.
ZERO_DOWNTIME_RANDOM_PAIRS may ask for more of them.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from zero_downtime.catalog import load_dump, read_catalog
from zero_downtime.generate.prove import plan_and_prove
from zero_downtime.postgres.server import EmbeddedServer

TABLES = ("one", "two", '"Three; 3"')
COLUMNS = ("a", "b", "c", '"d D"')
TYPES = {
    "integer": ("7", "1 + 2"),
    "bigint": ("8",),
    "numeric(8,2)": ("1.5",),
    "text": ("'x'", "lower('Y')"),
    "varchar(9)": ("'a'", "'b; --'"),
    "boolean": ("true",),
    "date": ("'2026-01-01'", "CURRENT_DATE"),
    "timestamptz": ("'2026-01-01 00:00+00'", "now()"),
    "integer[]": ("'{1}'",),
    "jsonb": ("'{}'",),
}
# What PostgreSQL itself has no way for. Everything else must be planned.
NO_WAY = ("cannot be cast", "cannot cast", "no cast", "could not be determined")


@st.composite
def columns(draw: st.DrawFn, name: str) -> str:
    type_ = draw(st.sampled_from(sorted(TYPES)))
    words = [name, type_]
    if type_ in ("text", "varchar(9)") and draw(st.booleans()):
        words.append('COLLATE "C"')
    kind = draw(st.sampled_from(["", "", "default", "identity", "stored", "virtual"]))
    if kind == "default":
        words.append(f"DEFAULT {draw(st.sampled_from(TYPES[type_]))}")
    elif kind == "identity" and type_ in ("integer", "bigint"):
        when = draw(st.sampled_from(["ALWAYS", "BY DEFAULT"]))
        options = draw(st.sampled_from(["", " (START WITH 5 INCREMENT BY 2)"]))
        words.append(f"GENERATED {when} AS IDENTITY{options}")
    elif kind in ("stored", "virtual"):
        words.append(f"GENERATED ALWAYS AS ({TYPES[type_][0]}) {kind}")
        return " ".join(words)
    if draw(st.booleans()):
        words.append("NOT NULL")
    return " ".join(words)


@st.composite
def tables(draw: st.DrawFn, name: str, others: tuple[str, ...]) -> list[str]:
    there = ["id", *(column for column in COLUMNS if draw(st.booleans()))]
    lines = ["id integer", *(draw(columns(column)) for column in there[1:])]
    key = draw(st.sampled_from((["id"], ["id"], there[-1:], there[:2])))
    kind = draw(st.sampled_from(["CONSTRAINT {} PRIMARY KEY", "CONSTRAINT {} UNIQUE"]))
    bare = name.strip('"')[:3].lower()
    said = []
    virtual = [column for column, line in zip(there, lines, strict=True) if " virtual" in line]
    if not set(virtual) & set(key):
        said.append(f"{kind.format(f'{bare}_key')} ({', '.join(key)})")
    for check in draw(
        st.sets(st.sampled_from(["id > 0", "id <> 5 OR id IS NULL", "id IN (1, 2)"]))
    ):
        said.append(f"CONSTRAINT {bare}_{draw(st.sampled_from('xyz'))}{len(said)} CHECK ({check})")
    script = [f"CREATE TABLE {name} ({', '.join(lines + said)})"]
    stored = [line.split(" ")[0] for line in lines if " virtual" not in line and '"' not in line]
    for number, column in enumerate(draw(st.lists(st.sampled_from(stored), max_size=2))):
        unique = draw(st.sampled_from(["", "UNIQUE "]))
        where = draw(st.sampled_from(["", " WHERE id > 3", " INCLUDE (id)"]))
        if not any(line.startswith(f"{column} jsonb") for line in lines):
            script.append(f"CREATE {unique}INDEX {bare}_i{number} ON {name} ({column}){where}")
    for other in others:
        if draw(st.booleans()):
            action = draw(st.sampled_from(["", " ON DELETE CASCADE", " DEFERRABLE", " NOT VALID"]))
            script.append(
                f"ALTER TABLE {name} ADD CONSTRAINT {bare}_f FOREIGN KEY (id)"
                f" REFERENCES {other} (id){action}"
            )
            break
    return script


@st.composite
def schemas(draw: st.DrawFn) -> str:
    there = [table for table in TABLES if draw(st.integers(0, 3))]
    script: list[str] = ["CREATE TABLE base (id integer PRIMARY KEY)"]
    for table in there:
        script += draw(tables(table, ("base",)))
        if draw(st.booleans()):
            script.append(f"COMMENT ON TABLE {table} IS '{draw(st.sampled_from('ab'))}'")
    if draw(st.booleans()) and there:
        script.append(f"CREATE VIEW seen AS SELECT * FROM {there[0]}")
    return ";\n".join(script) + ";"


@pytest.mark.filterwarnings("default")
@settings(
    max_examples=int(os.environ.get("ZERO_DOWNTIME_RANDOM_PAIRS", "12")),
    derandomize="ZERO_DOWNTIME_RANDOM_PAIRS" not in os.environ,
    deadline=None,
    database=None,
    phases=(Phase.generate,),  # to shrink a failure would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(old=schemas(), new=schemas())
def test_random_pairs_converge_or_say_why_not(server: EmbeddedServer, old: str, new: str) -> None:
    databases = [server.create_database() for _ in range(2)]
    try:
        for database, script in zip(databases, (old, new), strict=True):
            load_dump(server, database, script)
        before, after = (read_catalog(server, database) for database in databases)
        proven = plan_and_prove(server, databases[0], before, after)
    finally:
        for database in databases:
            server.drop_database(database)
    steps = "\n".join(step.sql for step in proven.plan.steps)
    for left in proven.not_planned:
        assert any(words in left.reason for words in NO_WAY), f"{left}\n{steps}"
    assert proven.proof.converged or proven.not_planned, steps
