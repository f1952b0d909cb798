"""The lock model against real servers: every form's locks, rewrites and scans, as they happened.

The embedded server and Debian's PostgreSQL 15 are asked. ZERO_DOWNTIME_BIN_DIRS may name other bin
directories instead, joined by colons, ``embedded`` among them; ``make matrix`` does so.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from zero_downtime.postgres.locks import LockMode
from zero_downtime.postgres.programs import embedded_bin_dir
from zero_downtime.postgres.server import EmbeddedServer, InstalledServer, Server
from zero_downtime.sql.effects import Effect, predict
from zero_downtime.sql.forms import Form, forms, schema
from zero_downtime.sql.script import split
from zero_downtime.sql.state import State, state_from

_RELATIONS = """
SELECT c.oid::int8, n.nspname || '.' || c.relname, coalesce(pg_relation_filenode(c.oid), 0)::int8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
_LOCKS = """
SELECT relation::int8, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

Row = tuple[object, ...]


@dataclass(frozen=True)
class Observed:
    """As :class:`zero_downtime.sql.effects.Effect`, in names."""

    locks: dict[str, str]
    rewrites: frozenset[str]
    scans: frozenset[str]


def observe(connection: psycopg.Connection[Row], sql: str) -> Observed:
    """Run a statement in a transaction, look, and roll back. The connection is autocommit."""
    with connection.transaction(force_rollback=True):
        before = {int(str(o)): (str(n), f) for o, n, f in connection.execute(_RELATIONS)}
        reads = _reads(connection, before)
        connection.execute(sql.encode())
        modes: dict[str, LockMode] = {}
        for oid, mode in connection.execute(_LOCKS):
            found = before.get(int(str(oid)))
            if found:
                name = found[0]
                asked = LockMode.parse(str(mode))
                modes[name] = max(asked, modes.get(name, asked))
        after = {int(str(o)): f for o, _, f in connection.execute(_RELATIONS)}
        rewrites = {n for o, (n, f) in before.items() if o in after and after[o] != f}
        reads_after = _reads(connection, {o: v for o, v in before.items() if o in after})
        scans = {before[o][0] for o, n in reads_after.items() if n > reads.get(o, 0)}
    return Observed(
        {name: mode.sql for name, mode in sorted(modes.items())},
        frozenset(rewrites),
        frozenset(scans),
    )


def _reads(
    connection: psycopg.Connection[Row], oids: dict[int, tuple[str, object]]
) -> dict[int, int]:
    rows = connection.execute(
        "SELECT o, pg_stat_get_xact_numscans(o::oid) FROM unnest(%s::int8[]) o", [list(oids)]
    )
    return {int(str(o)): int(str(n)) for o, n in rows}


@dataclass(frozen=True)
class Shop:
    """The schema of the forms on one server, and the state that stands for it."""

    connection: psycopg.Connection[Row]
    other: psycopg.Connection[Row]
    state: State
    major: int
    url: str


DEBIAN = Path("/usr/lib/postgresql/15/bin")
# A plan without an index shows a whole read as one; the zone makes timestamptz rewrite.
SETTINGS = (
    "SET TimeZone = 'Asia/Tokyo'; SET enable_indexscan = off; SET enable_bitmapscan = off;"
    "SET enable_indexonlyscan = off; SET client_min_messages = error"
)


def _servers() -> list[str]:
    """Where the servers' programs are."""
    named = list(filter(None, os.environ.get("ZERO_DOWNTIME_BIN_DIRS", "").split(":")))
    return named or ["embedded", str(DEBIAN)]


def _server_in(bin_dir: str) -> InstalledServer:
    if not (Path(bin_dir) / "postgres").exists():
        pytest.skip(
            f"NOT PROVEN on this PostgreSQL: there is no {bin_dir}/postgres"
            + (" (apt-get install postgresql-15)" if bin_dir == str(DEBIAN) else "")
        )
    return InstalledServer(Path(bin_dir))


@pytest.fixture(scope="module", params=_servers())
def shop(request: pytest.FixtureRequest, server: EmbeddedServer) -> Iterator[Shop]:
    where: Server = server if request.param == "embedded" else _server_in(str(request.param))
    name = where.create_database()
    with where.connect(name) as connection, where.connect(name) as other:
        statements = split(schema(where.major))
        for statement in statements:
            connection.execute(statement.sql.encode())
        connection.execute("ANALYZE")
        connection.execute(SETTINGS)
        state = state_from(statement.sql for statement in statements)
        yield Shop(connection, other, state, where.major, where.url(name))
    where.drop_database(name)
    if where is not server:
        where.close()


ALL_FORMS = [(family, form) for family, members in forms().items() for form in members]
# Here the planner may read more than the text makes certain.
PLANNED = ("Data", "Views", "Functions, procedures, operators", "Partitions")

# What the text and the schema do not tell, with the reason.
DIFFERENT = {
    "INSERT INTO depot.lots VALUES (1, 'x')": "the partition of a hash is computed by the server",
    "SELECT * FROM depot.moves m WHERE m.at = '2040-05-05' OR kind = 'in'": "partitions are ruled"
    " out by conditions joined with AND only",
}


def _predicted(shop: Shop, form: Form) -> Effect:
    if not form.since <= shop.major <= form.until:
        pytest.skip(f"PostgreSQL {form.since} to {form.until}")
    return predict(form.sql, shop.state, shop.major)


def _differences(effect: Effect, seen: Observed, planned: bool) -> dict[str, tuple[object, object]]:
    """What was foretold and what was seen, where they are not the same."""
    found: dict[str, tuple[object, object]] = {}
    locks = {lock.relation: lock.mode.sql for lock in effect.locks}
    for relation in sorted({*locks, *seen.locks}):
        if locks.get(relation) != seen.locks.get(relation):
            found[relation] = (locks.get(relation), seen.locks.get(relation))
    if set(effect.rewrites) != seen.rewrites:
        found["rewrites"] = (set(effect.rewrites), seen.rewrites)
    # Making an empty storage file counts as a read of it; a rewrite says enough.
    foretold, scans = set(effect.scans) - seen.rewrites, set(seen.scans) - seen.rewrites
    if foretold - scans or (scans - foretold and not planned):
        found["scans"] = (foretold, scans)
    return found


def _compared(shop: Shop, family: str, form: Form) -> dict[str, tuple[object, object]]:
    effect = _predicted(shop, form)
    planned = family in PLANNED
    found = _differences(effect, observe(shop.connection, form.sql), planned)
    if any(pair == ("ACCESS SHARE", None) for pair in found.values()):
        # A session that knows a partition's bound already does not open its parents again.
        with psycopg.connect(shop.url, autocommit=True) as fresh:
            fresh.execute(SETTINGS)
            found = _differences(effect, observe(fresh, form.sql), planned)
    return found


@pytest.mark.parametrize(
    ("family", "form"), ALL_FORMS, ids=[form.sql[:120] for _, form in ALL_FORMS]
)
def test_what_is_foretold_is_what_happens(shop: Shop, family: str, form: Form) -> None:
    if not _predicted(shop, form).transactional:
        with (
            pytest.raises(
                (psycopg.errors.ActiveSqlTransaction, psycopg.errors.FeatureNotSupported)
            ),
            shop.connection.transaction(),
        ):
            shop.connection.execute(form.sql.encode())
        return
    found = _compared(shop, family, form)
    assert bool(found) if form.sql in DIFFERENT else found == {}


# What a transaction did before decides what its later statement does.
OWN_ROWS = (
    ("UPDATE pages SET words = 1", True),
    ("UPDATE pages SET words = 1 WHERE book = 2", True),
    ("INSERT INTO pages VALUES (2, 1, 1)", True),
    ("ALTER TABLE pages ALTER words TYPE bigint", True),
    ("ALTER TABLE pages ALTER words TYPE int", False),
    ("ALTER TABLE pages ADD random float DEFAULT random()", True),
    ("ALTER TABLE pages ADD constant float DEFAULT 1", False),
    ("ALTER TABLE pages SET UNLOGGED", True),
    ("DELETE FROM pages WHERE words = 2", False),
    ("SAVEPOINT before; UPDATE pages SET words = 1; ROLLBACK TO before", False),
)


@pytest.mark.parametrize(("before", "own"), OWN_ROWS)
def test_rows_of_the_same_transaction(shop: Shop, before: str, own: bool) -> None:
    made = (
        "CREATE TABLE books (id int PRIMARY KEY)",
        "CREATE TABLE pages (id int, book int REFERENCES books, words int)",
    )
    connection = psycopg.connect(shop.url, autocommit=True)
    state = state_from(made)
    state.transaction = 1
    try:
        connection.execute(";".join(made).encode())
        connection.execute("INSERT INTO books VALUES (1), (2); INSERT INTO pages VALUES (1, 2, 1)")
        with connection.transaction(force_rollback=True):
            for each in split(before):
                state.apply(each.sql)
                connection.execute(each.sql.encode())
            then = "UPDATE pages SET words = 3"
            assert (predict(then, state, shop.major).mode_on("public.books") is not None) == own
            connection.execute(then)
            modes = connection.execute(_LOCKS.replace("int8, mode", "regclass::text, mode"))
            assert (("books", "RowShareLock") in modes.fetchall()) == own
            # What was written anew in a transaction is emptied in place there.
            file = "SELECT pg_relation_filenode('pages')"
            old = connection.execute(file).fetchone()
            rewrites = bool(predict("TRUNCATE pages", state, shop.major).rewrites)
            connection.execute("TRUNCATE pages")
            assert (connection.execute(file).fetchone() != old) == rewrites
    finally:
        connection.execute("DROP TABLE pages, books")
        connection.close()


def test_there_are_many_forms_and_few_that_differ() -> None:
    texts = [form.sql for _, form in ALL_FORMS]
    assert len(texts) == len(set(texts)) > 1000
    assert set(DIFFERENT) <= set(texts)
    assert len(DIFFERENT) < 10


CONCURRENT = [
    ("CREATE INDEX CONCURRENTLY late ON orders (amount)", "DROP INDEX IF EXISTS late"),
    (
        "DROP INDEX CONCURRENTLY orders_note",
        "CREATE INDEX IF NOT EXISTS orders_note ON orders (note)",
    ),
    ("REINDEX TABLE CONCURRENTLY orders", "SELECT 1"),
    ("VACUUM orders", "SELECT 1"),
]


@pytest.mark.parametrize(("form", "undo"), CONCURRENT, ids=[form for form, _ in CONCURRENT])
def test_a_statement_that_runs_alone_takes_the_foretold_lock(
    shop: Shop, form: str, undo: str
) -> None:
    """It waits behind a reader's or writer's transaction, and shows what it asks for meanwhile."""
    effect = predict(form, shop.state, shop.major)
    assert not effect.transactional
    pid = shop.connection.info.backend_pid
    blocker = "LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE"
    failed: list[BaseException] = []

    def run() -> None:
        try:
            shop.connection.execute(form.encode())
        except psycopg.Error as error:
            failed.append(error)

    with shop.other.transaction():
        shop.other.execute(blocker)
        thread = threading.Thread(target=run)
        thread.start()
        seen: dict[str, LockMode] = {}
        for _ in range(200):
            rows = shop.other.execute(
                "SELECT relation::regclass::text, mode FROM pg_locks JOIN pg_class c"
                " ON c.oid = relation AND relkind IN ('r', 'v', 'm', 'p', 'S')"
                " WHERE pid = %s AND locktype = 'relation'"
                " AND relnamespace <> 'pg_catalog'::regnamespace",  # looked up on the way
                [pid],
            )
            for name, mode in rows:
                asked = LockMode.parse(str(mode))
                seen[str(name)] = max(asked, seen.get(str(name), asked))
            if seen:
                break
            time.sleep(0.02)
    thread.join(20)
    shop.connection.execute(undo.encode())
    assert not failed
    assert {lock.relation: lock.mode for lock in effect.locks} == {
        f"public.{name}": mode for name, mode in seen.items()
    }


def test_detach_concurrently_asks_for_the_whole_partition_in_the_end(shop: Shop) -> None:
    form = "ALTER TABLE readings DETACH PARTITION readings_1 CONCURRENTLY"
    effect = predict(form, shop.state, shop.major)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            shop.connection.execute(form)
        except psycopg.Error as error:
            failed.append(error)

    with shop.other.transaction():
        # Its first transaction passes a reader of the partition, its second one waits for it.
        shop.other.execute("LOCK TABLE readings_1 IN ACCESS SHARE MODE")
        thread = threading.Thread(target=run)
        thread.start()
        seen: dict[str, LockMode] = {}
        for _ in range(500):
            rows = shop.other.execute(
                "SELECT relation::regclass::text, mode FROM pg_locks WHERE pid = %s"
                " AND relation IN ('readings'::regclass, 'readings_1'::regclass)",
                [shop.connection.info.backend_pid],
            )
            for name, mode in rows:
                asked = LockMode.parse(str(mode))
                seen[f"public.{name}"] = max(asked, seen.get(f"public.{name}", asked))
            if seen.get("public.readings_1") == LockMode.ACCESS_EXCLUSIVE:
                break
            time.sleep(0.02)
    thread.join(20)
    shop.connection.execute("ALTER TABLE readings ATTACH PARTITION readings_1 FOR VALUES IN (1)")
    assert not failed
    assert seen == {name: effect.mode_on(name) for name in seen}
    assert len(seen) == 2


def test_a_dump_tells_the_model_what_the_script_told(shop: Shop) -> None:
    """--schema takes the output of pg_dump: every form has the same effect over it."""
    dump = subprocess.run(
        [embedded_bin_dir() / "pg_dump", "--schema-only", "--dbname", shop.url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    dumped = state_from(statement.sql for statement in split(dump))
    different = {
        form.sql: (told, read)
        for _, form in ALL_FORMS
        if form.since <= shop.major <= form.until
        and (told := _facts(predict(form.sql, shop.state, shop.major)))
        != (read := _facts(predict(form.sql, dumped, shop.major)))
    }
    assert different == {}


def _facts(effect: Effect) -> tuple[object, ...]:
    """An effect without the order of its parts."""
    return (
        effect.locks,
        set(effect.rewrites),
        set(effect.scans),
        set(effect.builds),
        effect.transactional,
        effect.unknown,
    )


def test_a_statement_may_be_applied_to_what_it_was_foretold_for(shop: Shop) -> None:
    for _, form in ALL_FORMS:
        if form.since <= shop.major <= form.until:
            state = shop.state.copy()
            state.apply(form.sql)
            predict(form.sql, state, shop.major)
