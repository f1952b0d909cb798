"""zd stats: figures of a live database, and what lint makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from zero_downtime.errors import DatabaseError, InputError
from zero_downtime.lint.registry import rules
from zero_downtime.lint.sizes import BUILDS, REWRITES, SCANS, duration, size
from zero_downtime.postgres.server import EmbeddedServer, scratch_database
from zero_downtime.rehearse.traffic.statements import read_statements
from zero_downtime.stats import (
    ColumnStats,
    RelationStats,
    Stats,
    pull,
    read_stats,
    without_values,
    write_stats,
)
from zero_downtime_cli.main import zd

SCHEMA = """
CREATE SCHEMA s;
CREATE TABLE s.people (id int PRIMARY KEY, secret text);
INSERT INTO s.people SELECT n, CASE WHEN n % 4 > 0 THEN 'swordfish' END
    FROM generate_series(1, 4000) n;
CREATE TABLE events (at int, body text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (1000);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (1000) TO (9000);
INSERT INTO events SELECT n, 'x' FROM generate_series(0, 2999) n;
CREATE VIEW v AS SELECT 1;
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = EmbeddedServer({"shared_preload_libraries": "pg_stat_statements"})
    try:
        with scratch_database(server) as name:
            with server.connect(name) as connection:
                connection.execute(SCHEMA)
                connection.execute("ANALYZE")
            yield server.url(name)
    finally:
        server.close()


def test_statements_are_noted_when_asked_for(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="pg_stat_statements is not there"):
        pull(url, statements=10)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        for number in range(3):
            select = f"SELECT secret FROM s.people WHERE id = {number} AND secret <> 'xyzzy'"
            connection.execute(f"/* user=alice */ {select}".encode())
        for number in range(2):
            update = f"UPDATE s.people SET secret = 'alice' WHERE id = {number} -- by alice"
            connection.execute(update.encode())
        connection.execute("SET application_name = 'alice'")
    stats = pull(url, statements=2)
    assert [(each.sql, each.calls) for each in stats.statements] == [
        ("SELECT secret FROM s.people WHERE id = $1 AND secret <> $2", 3),
        ("UPDATE s.people SET secret = $1 WHERE id = $2", 2),
    ]
    write_stats(stats, tmp_path / "stats.json")
    assert [each.weight for each in read_statements(tmp_path / "stats.json")] == [3, 2]
    assert "alice" not in (tmp_path / "stats.json").read_text()
    write_stats(pull(url), tmp_path / "bare.json")
    with pytest.raises(InputError, match="has no statements"):
        read_statements(tmp_path / "bare.json")


def test_a_statement_with_a_value_in_it_is_left_out() -> None:
    assert without_values("SELECT a FROM t WHERE b = $1 ORDER BY 2") is not None
    assert without_values("SELECT a FROM t WHERE b = 'alice'") is None
    assert without_values("SELECT a FROM t WHERE b = 4711") is None
    assert without_values("SELECT relname FROM pg_class") is None
    assert without_values("<insufficient privilege>") is None


def test_figures_and_nothing_else(url: str, tmp_path: Path) -> None:
    stats = pull(url)
    assert sorted(stats.relations) == [
        "public.events",
        "public.events_1",
        "public.events_2",
        "s.people",
    ]
    people = stats.relations["s.people"]
    assert people.rows == 4000
    assert people.bytes > 100_000 < people.bytes + people.index_bytes
    assert people.columns["secret"] == ColumnStats(0.25, 1.0, 10)
    parts = [stats.relations[f"public.events{end}"] for end in ("", "_1", "_2")]
    assert [part.rows for part in parts] == [3000, 1000, 2000]
    assert parts[0].bytes == parts[1].bytes + parts[2].bytes
    write_stats(stats, tmp_path / "stats.json")
    assert read_stats(tmp_path / "stats.json") == stats
    assert "swordfish" not in (tmp_path / "stats.json").read_text()


def test_a_role_that_may_only_read_statistics(url: str, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
        as_monitor = f"{url}{'&' if '?' in url else '?'}user=monitor"
        with connection.transaction():  # what is locked is told as VACUUM saw it
            connection.execute("LOCK TABLE s.people IN ACCESS EXCLUSIVE MODE")
            stats = pull(as_monitor)
    people = stats.relations["s.people"]
    assert (people.rows, people.columns) == (4000, {})
    assert people.bytes > 100_000 < people.bytes + people.index_bytes
    assert "s.people" in stats.bare()
    result = CliRunner().invoke(
        zd, ["stats", "pull", "--url", as_monitor, "-o", str(tmp_path / "s.json")]
    )
    assert "the columns' figures are missing (public.events, …)" in result.stderr


def test_writes_are_counted_since_the_counters_were_reset(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for kind in ("bgwriter", "wal", "archiver"):
            connection.execute(f"SELECT pg_stat_reset_shared('{kind}')".encode())
        connection.execute(
            "SELECT pg_sleep(greatest(0, 1.5 - extract(epoch FROM"
            " clock_timestamp() - pg_postmaster_start_time())::float))"
        )
        rate = pull(url).relations["s.people"].writes_per_second
        age = connection.execute(
            "SELECT extract(epoch FROM now() - stats_reset)::float FROM pg_stat_wal"
        ).fetchone()
    assert age is not None
    assert 4000 / rate <= max(1.0, age[0]) + 0.1


def test_the_command(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    result = runner.invoke(zd, ["stats", "pull", "--url", url, "-o", "stats.json"])
    assert (result.exit_code, result.stderr) == (0, "zd: 4 relations written to stats.json\n")
    shown = runner.invoke(zd, ["stats", "show"]).stdout.split("\n")
    assert shown[1].startswith("s.people")
    assert "4,000" in shown[1]
    piped = runner.invoke(zd, ["stats", "pull", "--url", url])
    assert json.loads(piped.stdout)["relations"]["s.people"]["rows"] == 4000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stats", "pull"], "Give the database with --url"),
        (["stats", "pull", "--url", "postgresql://a:secret@127.0.0.1:1/x"], "the server refuses"),
        (["stats", "show", "none.json"], "none.json: can't be read"),
        (["stats", "show", "other.json"], "other.json: is no file of zd stats"),
        (["lint", "m.sql", "--stats", "other.json"], "other.json: is no file of zd stats"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.json").write_text("[]")
    (tmp_path / "m.sql").write_text("SELECT 1")
    result = CliRunner().invoke(zd, arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "secret" not in result.stderr


STATS = Stats(
    1,
    "18.6",
    "2027-01-01",
    {
        "public.large": RelationStats(80_000_000, 12_000_000_000, 3_000_000_000, 40.0),
        "public.small": RelationStats(900, 90_000, 16_384, 0.0),
    },
)
SQL = """SET lock_timeout = '1s';
CREATE INDEX ON large (a);
ALTER TABLE large ALTER b TYPE bigint;
CREATE INDEX ON small (a);
ALTER TABLE small ALTER b TYPE bigint;
DROP TABLE small;
CREATE INDEX ON other (a);
"""


def lint(folder: Path, settings: str = "", *arguments: str) -> Result:
    (folder / "m.sql").write_text(SQL)
    write_stats(STATS, folder / "stats.json")
    (folder / "zd.toml").write_text("[tool.zero_downtime.lint]\n" + settings)
    return CliRunner().invoke(zd, ["lint", "m.sql", "--config", "zd.toml", *arguments])


def test_seconds_instead_of_adjectives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = lint(tmp_path, "stats = 'stats.json'").stdout
    assert (
        "About 5 min for 80,000,000 rows: 16 GB to go through at 50 MB/s;"
        " 12,800 writes come meanwhile." in said
    )
    assert "About 9 min for 80,000,000 rows: 27 GB to go through" in said
    assert "About 4 ms for 900 rows: 196 kB to go through" in said
    assert said.count("About") == 4
    assert said == lint(tmp_path, "", "--stats", "stats.json").stdout
    assert "at 200 MB/s" in lint(tmp_path, "stats = 'stats.json'\nmb_per_second = 200").stdout
    assert "About" not in lint(tmp_path).stdout


@pytest.mark.parametrize("tiny", ["tiny_rows = 1000", "tiny_bytes = 90000"])
def test_tiny_tables_are_left_out_but_not_what_breaks_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: str
) -> None:
    monkeypatch.chdir(tmp_path)
    everything = json.loads(lint(tmp_path, "stats = 'stats.json'", "--format", "json").stdout)
    result = lint(tmp_path, f"stats = 'stats.json'\n{tiny}", "--format", "json")
    left = json.loads(result.stdout)
    gone = [f for f in everything["findings"] if f not in left["findings"]]
    assert {f["rule"] for f in gone} == {"index-not-concurrent", "type-change-rewrite"}
    assert {f["relation"] for f in gone} == {"public.small"}
    assert left["summary"]["tiny"] == 2
    assert "drop-table" in {f["rule"] for f in left["findings"]}


def test_the_rules_about_size_are_rules() -> None:
    assert set(rules()) >= REWRITES | BUILDS | SCANS
    assert not (REWRITES & BUILDS or BUILDS & SCANS or SCANS & REWRITES)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.004, "4 ms"), (0.7, "a second"), (90, "90 s"), (300, "5 min"), (9000, "2.5 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_sizes() -> None:
    counts = (10, 2000, 3.5e6, 12e9, 2e12)
    assert [size(count) for count in counts] == ["10 B", "2 kB", "3.5 MB", "12 GB", "2.0 TB"]
