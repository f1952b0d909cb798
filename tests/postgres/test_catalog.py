"""The traps of "the dump is the catalog", each on a real server."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from zero_downtime.catalog import (
    Catalog,
    Comparison,
    Identity,
    compare,
    compare_stable,
    load_catalog,
    load_dump,
    read_catalog,
    settled,
    stable,
)
from zero_downtime.catalog.part import part_of_dump, unsettled
from zero_downtime.config import Ignore
from zero_downtime.errors import DatabaseError, MajorMismatch, ServerError
from zero_downtime.generate.prove import plan_and_prove
from zero_downtime.postgres.server import (
    EmbeddedServer,
    InstalledServer,
    RemoteServer,
    scratch_database,
)

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")

Load = Callable[[str], Catalog]


@pytest.fixture
def load(server: EmbeddedServer) -> Iterator[Load]:
    """A function that gives the catalog of a fresh database in which a script was run."""
    made: list[str] = []

    def loaded(script: str) -> Catalog:
        made.append(server.create_database())
        load_dump(server, made[-1], script)
        return read_catalog(server, made[-1])

    yield loaded
    for name in made:
        server.drop_database(name)


def changes(comparison: Comparison) -> list[str]:
    return sorted(str(change) for change in comparison.changes)


# A dump is not a fixed point.

UNSTABLE = {
    "check": "CREATE TABLE t (c varchar(9) CHECK (c IN ('a', 'b')))",
    "domain": "CREATE DOMAIN d AS varchar(9) CHECK (VALUE IN ('a', 'b'))",
    "partial index": "CREATE TABLE t (c varchar(9)); CREATE INDEX i ON t (c) WHERE c IN ('a', 'b')",
    "view": "CREATE TABLE t (c varchar(9)); CREATE VIEW v AS SELECT c FROM t WHERE c IN ('a', 'b')",
    "policy": "CREATE TABLE t (c varchar(9)); CREATE POLICY p ON t USING (c IN ('a', 'b'))",
}


@pytest.mark.parametrize("script", UNSTABLE.values(), ids=UNSTABLE.keys())
def test_a_dump_is_loaded_until_it_stays_as_it_is(
    server: EmbeddedServer, load: Load, script: str
) -> None:
    first = load(script)
    second = load(first.dump)
    assert changes(compare(first, second))  # that's the trap
    fixed = stable(server, first)
    assert fixed.dump_body == load(fixed.dump).dump_body
    assert compare_stable(server, first, second).equal
    assert compare_stable(server, second, first).equal


# Generated names are inherited from history.


def test_only_what_differs_is_loaded_again_with_what_it_stands_on(
    server: EmbeddedServer, load: Load
) -> None:
    more = "".join(f"CREATE TABLE more_{n} (id integer PRIMARY KEY); " for n in range(9))
    script = (
        more
        + """
        CREATE TYPE state AS ENUM ('a', 'b');
        CREATE FUNCTION fits(state) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
        CREATE TABLE t (s state, c varchar(9), CONSTRAINT k CHECK (fits(s) AND c IN ('a', 'b')))"""
    )
    first = load(script)
    second = load(first.dump)
    identity = Identity("constraint", "k", "public.t")
    comparison = compare(first, second)
    assert unsettled(comparison) == {identity}
    part = part_of_dump(first, [identity])
    assert part.count("CREATE TABLE") == part.count("CREATE TYPE") == 1
    assert part.count("CREATE FUNCTION") == 1
    assert compare_stable(server, first, second).equal


def test_what_takes_two_statements_is_not_taken_for_the_half_of_it(
    server: EmbeddedServer, load: Load
) -> None:
    script = "CREATE TABLE t (a integer, b integer); CREATE STATISTICS s ON a, b FROM t;"
    one = load(script)
    two = load(f"{script} ALTER STATISTICS s SET STATISTICS 9")
    for old, new in ((one, two), (two, one), (one, two)):
        assert changes(compare(*settled(server, old, new))) == ["altered: statistics public.s"]


def test_what_is_only_new_is_not_loaded_again(load: Load) -> None:
    old = load("CREATE TABLE t (c varchar(9))")
    new = load("CREATE TABLE t (c varchar(9) CHECK (c IN ('a', 'b')))")
    assert unsettled(compare(old, new)) == unsettled(compare(new, old)) == frozenset()


def test_names_that_postgresql_made_are_told_from_names_that_were_given(
    server: EmbeddedServer, load: Load
) -> None:
    history = load(
        "CREATE TABLE a (x integer NOT NULL, g integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " n serial UNIQUE, CHECK (x > 0)); ALTER TABLE a RENAME TO b; ALTER TABLE b RENAME x TO y"
    )
    fresh = load(
        "CREATE TABLE b (y integer NOT NULL, g integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " n serial UNIQUE, CHECK (y > 0))"
    )
    comparison = compare_stable(server, history, fresh)
    assert not comparison.equal
    assert comparison.grade == "equal but for generated names"
    assert "removed: constraint public.b.a_pkey" in changes(comparison)


def test_a_given_name_is_a_difference(server: EmbeddedServer, load: Load) -> None:
    one = load("CREATE TABLE t (x integer, CONSTRAINT positive CHECK (x > 0))")
    other = load("CREATE TABLE t (x integer, CONSTRAINT above_zero CHECK (x > 0))")
    assert compare_stable(server, one, other).grade == "different"


def test_an_equal_definition_of_another_kind_is_no_generated_name(
    server: EmbeddedServer, load: Load
) -> None:
    one = load("CREATE TABLE t (x integer UNIQUE)")
    other = load("CREATE TABLE t (x integer PRIMARY KEY)")
    assert compare_stable(server, one, other).grade == "different"


# Invalid indexes are absent from a dump, or look valid.


def test_the_leftover_of_a_failed_concurrent_build_is_seen(
    server: EmbeddedServer, database: str
) -> None:
    load_dump(server, database, "CREATE TABLE t (x integer); INSERT INTO t VALUES (1), (1)")
    before = read_catalog(server, database)
    with server.connect(database) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (x)")
    after = read_catalog(server, database)
    assert "broken" not in after.dump
    comparison = compare_stable(server, before, after)
    assert changes(comparison) == ["added: invalid index public.broken"]
    back = plan_and_prove(server, database, after, before)
    assert [step.sql for step in back.plan.steps] == ["DROP INDEX CONCURRENTLY public.broken"]
    assert back.plan.not_planned == ()


def test_an_index_that_not_all_partitions_have_is_seen(server: EmbeddedServer, load: Load) -> None:
    table = (
        "CREATE TABLE t (x integer) PARTITION BY LIST (x);"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);"
    )
    whole = load(f"{table} CREATE INDEX i ON t (x)")
    part = load(f"{table} CREATE INDEX i ON ONLY t (x)")
    found = changes(compare_stable(server, whole, part))
    assert "added: invalid partitioned index public.i" in found


# SET lines carry facts.


def test_a_tablespace_is_part_of_the_table_and_the_index(
    server: EmbeddedServer, database: str
) -> None:
    script = "CREATE TABLE t (x integer) {0}; CREATE INDEX i ON t (x) {0}; CREATE TABLE u ()"
    load_dump(server, database, script.format(""))
    with scratch_database(server) as other:
        load_dump(server, other, script.format("TABLESPACE zd_space"))
        near, far = read_catalog(server, database), read_catalog(server, other)
        comparison = compare_stable(server, near, far)
    assert changes(comparison) == ["altered: index public.i", "altered: table public.t"]
    with server.connect() as connection:
        connection.execute("DROP TABLESPACE zd_space")


def test_an_access_method_is_part_of_the_table(server: EmbeddedServer, load: Load) -> None:
    method = "CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler;"
    one = load(f"{method} CREATE TABLE t (x integer); CREATE TABLE u (x integer) USING pile")
    other = load(f"{method} CREATE TABLE t (x integer) USING pile; CREATE TABLE u (x integer)")
    assert changes(compare_stable(server, one, other)) == [
        "altered: table public.t",
        "altered: table public.u",
    ]


# One identity, several statements.


def test_a_view_grouped_by_its_primary_key_is_one_fact(load: Load) -> None:
    catalog = load(
        "CREATE TABLE t (id integer PRIMARY KEY, x text);"
        "CREATE VIEW v AS SELECT id, x, count(*) AS n FROM t GROUP BY id"
    )
    assert "CREATE OR REPLACE VIEW public.v" in catalog.dump  # after a dummy of the same name
    fact = catalog.get("view", "public.v")
    assert fact is not None and "GROUP BY" in fact.sql


def test_a_check_that_calls_a_function_of_its_table_is_an_ordinary_check(
    server: EmbeddedServer, load: Load
) -> None:
    script = (
        "CREATE TABLE t (x integer); CREATE FUNCTION ok(r t) RETURNS boolean LANGUAGE sql"
        " IMMUTABLE AS 'SELECT true'; ALTER TABLE t ADD CONSTRAINT c CHECK ({})"
    )
    called, plain = load(script.format("ok(t.*)")), load(script.format("x > 0"))
    fact = called.get("constraint", "c", of="public.t")
    assert fact is not None and fact.definition == "CHECK (public.ok(t.*))"
    assert changes(compare_stable(server, called, plain)) == ["altered: constraint public.t.c"]


def test_an_object_of_several_statements_keeps_them_all(server: EmbeddedServer, load: Load) -> None:
    script = (
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER e ON {} EXECUTE FUNCTION f(); ALTER EVENT TRIGGER e DISABLE"
    )
    one, other = load(script.format("ddl_command_end")), load(script.format("ddl_command_start"))
    fact = one.get("event trigger", "e")
    assert fact is not None
    assert [sql.split()[0] for sql in fact.statements] == ["CREATE", "ALTER"]
    assert changes(compare_stable(server, one, other)) == ["altered: event trigger e"]


# Column order is a note.


def test_another_column_order_is_a_note_and_no_difference(
    server: EmbeddedServer, load: Load
) -> None:
    one = load("CREATE TABLE t (a integer NOT NULL, b text DEFAULT 'x', c integer)")
    other = load("CREATE TABLE t (c integer, b text DEFAULT 'x', a integer NOT NULL)")
    comparison = compare_stable(server, one, other)
    assert comparison.equal and comparison.grade == "equal"
    assert comparison.notes == (
        (Identity("table", "public.t"), "the columns stand in another order"),
    )


def test_a_materialized_view_without_rows_is_noted(load: Load) -> None:
    catalog = load("CREATE MATERIALIZED VIEW m AS SELECT 1 AS x WITH NO DATA")
    view = Identity("materialized view", "public.m")
    assert catalog.notes == ((view, "is not filled: reading it fails until REFRESH"),)


# Names, texts and bodies that a careless reader would cut in the wrong place.

AWKWARD = """
CREATE SCHEMA "Grö ße";
CREATE TYPE "Grö ße"."Art;" AS ENUM ('a, b', 'it''s ( )');
CREATE TABLE "Grö ße"."Tisch "" x" (
    "select" varchar(10) COLLATE "C" DEFAULT 'it''s; ) ,' NOT NULL,
    "ä,ö" "Grö ße"."Art;" DEFAULT 'it''s ( )',
    n numeric(10,2)[] DEFAULT ARRAY[1.5, 2],
    CONSTRAINT "c; 1" CHECK (CASE WHEN "select" = ')' THEN true ELSE n[1] > 0 END),
    CONSTRAINT "k,2" UNIQUE ("ä,ö", n));
CREATE INDEX "i "" 1" ON "Grö ße"."Tisch "" x" (lower("select")) WHERE "select" <> ';)';
COMMENT ON COLUMN "Grö ße"."Tisch "" x"."ä,ö" IS 'a; -- b
IS ''c''';
COMMENT ON INDEX "Grö ße"."i "" 1" IS '日本 IS NULL';
CREATE FUNCTION "Grö ße"."Mach was"("ein Wert" integer, b "Grö ße"."Art;"[]) RETURNS text
    LANGUAGE plpgsql AS $f$ BEGIN -- it's; fine
    RETURN $q$;$q$ || '-- Name: x; Type: TABLE; Schema: y; Owner: z'; END $f$;
COMMENT ON FUNCTION "Grö ße"."Mach was"(integer, "Grö ße"."Art;"[]) IS 'f';
GRANT EXECUTE ON FUNCTION "Grö ße"."Mach was"(integer, "Grö ße"."Art;"[]) TO pg_monitor;
"""


def test_awkward_names_and_bodies_are_cut_in_the_right_places(load: Load) -> None:
    catalog = load(AWKWARD)
    table = '"Grö ße"."Tisch "" x"'
    assert catalog.columns(table) == ['"select"', '"ä,ö"', "n"]
    definitions = {
        ("column", '"select"'): 'character varying(10) COLLATE pg_catalog."C"',
        ("default", '"select"'): "'it''s; ) ,'::character varying",
        ("default", '"ä,ö"'): """'it''s ( )'::"Grö ße"."Art;\"""",
        ("column", "n"): "numeric(10,2)[]",
        ("constraint", '"k,2"'): 'UNIQUE ("ä,ö", n)',
        ("column comment", '"ä,ö"'): "'a; -- b\nIS ''c'''",
    }
    for (kind, name), definition in definitions.items():
        fact = catalog.get(kind, name, of=table)
        assert fact is not None and fact.definition == definition
    routine = '"Grö ße"."Mach was"(integer, "Grö ße"."Art;"[])'
    for kind in ("function", "function comment", "function privileges"):
        assert catalog.get(kind, routine) is not None, kind
    comment = catalog.get("index comment", '"Grö ße"."i "" 1"')
    assert comment is not None and comment.definition == "'日本 IS NULL'"


def test_awkward_things_are_dropped_and_made_again(
    server: EmbeddedServer, database: str, load: Load
) -> None:
    nothing, awkward = read_catalog(server, database), load(AWKWARD)
    forth = plan_and_prove(server, database, nothing, awkward)
    assert forth.proof.converged and not forth.not_planned
    with_it = server.create_database()
    load_dump(server, with_it, AWKWARD)
    back = plan_and_prove(server, with_it, awkward, nothing)
    server.drop_database(with_it)
    assert back.proof.converged and not back.not_planned


# Other servers.


def test_different_majors_are_not_compared(load: Load) -> None:
    new = load("CREATE TABLE t (x integer NOT NULL)")
    old = load_catalog(new.dump, 15)
    with pytest.raises(MajorMismatch) as refusal:
        compare(old, new, ("the database", "head"))
    assert str(refusal.value).rstrip(".") == (
        "the database runs PostgreSQL 15, head runs 18: catalogs of different majors can't be"
        " compared. Give the scratch server the same major with --server BIN_DIR"
    )


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason=f"no PostgreSQL 15 in {DEBIAN_15}")
def test_an_older_server_is_read_by_newer_programs_and_not_compared(
    server: EmbeddedServer, database: str
) -> None:
    script = "CREATE TABLE t (x integer NOT NULL, g integer GENERATED ALWAYS AS IDENTITY)"
    load_dump(server, database, script)
    with closing(InstalledServer(DEBIAN_15)) as older:
        name = older.create_database()
        load_dump(older, name, script)
        live = read_catalog(server, "", url=older.url(name))
        assert live.major == 15
        assert compare(live, read_catalog(older, name)).equal
        with pytest.raises(MajorMismatch):
            compare(live, read_catalog(server, database))
        with pytest.raises(DatabaseError) as refusal:
            read_catalog(older, "", url=server.url(database))
        assert "Give programs of the server's major with --server BIN_DIR" in str(refusal.value)


# A live database: rights, locks, and what is left out.


@pytest.fixture
def reader(server: EmbeddedServer) -> Iterator[str]:
    """A role that may log in and nothing else."""
    with server.connect() as connection:
        connection.execute("CREATE ROLE zd_reader LOGIN")
        yield "zd_reader"
        connection.execute("DROP ROLE zd_reader")


def test_a_table_without_rights_gives_one_clear_sentence(
    server: EmbeddedServer, database: str, reader: str
) -> None:
    load_dump(server, database, "CREATE TABLE secrets (x integer)")
    url = server.url(database).replace("postgres@", f"{reader}@")
    with pytest.raises(DatabaseError) as refusal:
        read_catalog(server, "", url=url)
    assert str(refusal.value).partition(": ")[2].rstrip(".") == (
        "permission denied for table secrets. "
        "pg_dump locks every table in ACCESS SHARE mode: grant SELECT on all of them"
    )
    assert "\n" not in str(refusal.value)


def test_a_lock_that_does_not_come_gives_one_clear_sentence(
    server: EmbeddedServer, database: str
) -> None:
    load_dump(server, database, "CREATE TABLE busy (x integer)")
    with server.connect(database) as other, other.transaction():
        other.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseError) as refusal:
            read_catalog(server, database, lock_wait_ms=100)
    assert str(refusal.value).partition(": ")[2].rstrip(".") == (
        "canceling statement due to statement timeout. "
        "Another session holds a strong lock: try again when its DDL is done"
    )
    assert "\n" not in str(refusal.value)


def test_a_database_that_is_not_there_gives_one_clear_sentence(server: EmbeddedServer) -> None:
    with pytest.raises(DatabaseError) as refusal:
        read_catalog(server, "zd_nowhere")
    assert 'database "zd_nowhere" does not exist' in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_script_that_does_not_load_gives_one_clear_sentence(
    server: EmbeddedServer, database: str
) -> None:
    with pytest.raises(ServerError) as refusal:
        load_dump(server, database, "CREATE TABLE t (x integre)")
    assert 'type "integre" does not exist' in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_is_to_be_ignored_is_left_out(server: EmbeddedServer, database: str) -> None:
    before = read_catalog(server, database)
    load_dump(
        server,
        database,
        "CREATE SCHEMA cron; CREATE TABLE cron.job (x integer);"
        "CREATE TABLE part_1 (x integer); CREATE EXTENSION citext; CREATE TABLE kept (x integer);"
        "GRANT SELECT ON kept TO pg_monitor; GRANT INSERT ON kept TO PUBLIC;"
        "GRANT SELECT ON kept TO pg_read_all_data WITH GRANT OPTION",
    )
    ignore = Ignore(tables=("part_*",), extensions=("plpgsql", "citext"))
    after = read_catalog(server, database, ignore=ignore)
    assert changes(compare(before, after)) == [
        "added: column public.kept.x",
        "added: table privileges public.kept",
        "added: table public.kept",
    ]
    privileges = after.get("table privileges", "public.kept")
    assert privileges is not None
    assert privileges.statements == ("GRANT INSERT ON TABLE public.kept TO PUBLIC",)
    # And in stable form no more than that.
    assert compare_stable(server, after, read_catalog(server, database, ignore=ignore)).equal


def test_the_version_table_of_alembic_is_no_part_of_a_schema(
    server: EmbeddedServer, database: str
) -> None:
    before = read_catalog(server, database)
    load_dump(server, database, "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)")
    assert compare(before, read_catalog(server, database)).equal


def test_what_stands_on_what_is_known(load: Load) -> None:
    catalog = load(
        "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (id integer PRIMARY KEY, m mood);"
        "CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';"
        "CREATE VIEW v AS SELECT f(id) AS x FROM t; CREATE VIEW w AS SELECT x FROM v;"
        "CREATE TABLE u (t integer CONSTRAINT fk REFERENCES t)"
    )
    depends = catalog.depends
    view = Identity("view", "public.v")
    assert depends[view] == {
        Identity("column", "id", "public.t"),
        Identity("function", "public.f(integer)"),
    }
    assert depends[Identity("view", "public.w")] == {view}
    assert Identity("type", "public.mood") in depends[Identity("column", "m", "public.t")]
    key = Identity("constraint", "t_pkey", "public.t")
    assert key in depends[Identity("constraint", "fk", "public.u")]


# No kind of object is lost: what differs is planned, or it is said that it is not.

GROUND = """
CREATE FUNCTION one() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION two() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION same(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE TABLE t (a integer, b text, c text);
CREATE TABLE s (a integer, b text);
CREATE TYPE pair AS (x integer, y text);
"""
WRAPPER = "CREATE FOREIGN DATA WRAPPER w; "
SERVER = f"{WRAPPER} CREATE SERVER v FOREIGN DATA WRAPPER w; "
KINDS = {
    "access method": (
        "CREATE ACCESS METHOD m TYPE TABLE HANDLER heap_tableam_handler",
        "CREATE ACCESS METHOD m TYPE INDEX HANDLER bthandler",
    ),
    "aggregate": (
        "CREATE AGGREGATE agg(integer) (sfunc = int4pl, stype = integer)",
        "CREATE AGGREGATE agg(integer) (sfunc = int4mul, stype = integer, initcond = '1')",
    ),
    "cast": (
        "CREATE CAST (pair AS text) WITH INOUT",
        "CREATE CAST (pair AS text) WITH INOUT AS ASSIGNMENT",
    ),
    "cluster on": (
        "CREATE INDEX i ON t (a); CREATE INDEX j ON t (b); ALTER TABLE t CLUSTER ON i",
        "CREATE INDEX i ON t (a); CREATE INDEX j ON t (b); ALTER TABLE t CLUSTER ON j",
    ),
    "collation": (
        "CREATE COLLATION col (provider = libc, locale = 'C')",
        "CREATE COLLATION col (provider = libc, locale = 'POSIX')",
    ),
    "column comment": (
        "COMMENT ON COLUMN t.a IS 'x'",
        "COMMENT ON COLUMN t.a IS E'x''\\\\y'",
    ),
    "column privileges": (
        "GRANT SELECT (a) ON t TO PUBLIC",
        "GRANT UPDATE (a) ON t TO PUBLIC",
    ),
    "composite attribute": (
        "CREATE TYPE p AS (x integer)",
        "CREATE TYPE p AS (x bigint, y text)",
    ),
    "composite attribute order": (
        "CREATE TYPE p AS (x integer, y text)",
        "CREATE TYPE p AS (y text, x integer)",
    ),
    "constraint trigger": (
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION one()",
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION two()",
    ),
    "conversion": (
        "CREATE CONVERSION k FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        "CREATE DEFAULT CONVERSION k FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    ),
    "default privileges": (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO PUBLIC",
    ),
    "domain default": (
        "CREATE DOMAIN d AS integer DEFAULT 1",
        "CREATE DOMAIN d AS integer DEFAULT 2",
    ),
    "domain not null": (
        "CREATE DOMAIN d AS integer",
        "CREATE DOMAIN d AS integer NOT NULL",
    ),
    "enum order": (
        "CREATE TYPE n AS ENUM ('a', 'b'); ALTER TABLE t ADD n n[]",
        "CREATE TYPE n AS ENUM ('b', 'a'); ALTER TABLE t ADD n n[]",
    ),
    "event trigger": (
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION ddl()",
        "CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('CREATE TABLE')"
        " EXECUTE FUNCTION ddl(); ALTER EVENT TRIGGER e ENABLE ALWAYS",
    ),
    "exclusion": (
        "CREATE EXTENSION btree_gist; ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING gist (a WITH =)",
        "CREATE EXTENSION btree_gist; ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING gist"
        " (a WITH =, b WITH =)",
    ),
    "extension schema": (
        "CREATE SCHEMA x; CREATE EXTENSION citext",
        "CREATE SCHEMA x; CREATE EXTENSION citext SCHEMA x",
    ),
    "foreign column option": (
        f"{SERVER} CREATE FOREIGN TABLE f (a integer OPTIONS (x '1')) SERVER v",
        f"{SERVER} CREATE FOREIGN TABLE f (a integer OPTIONS (y '1')) SERVER v",
    ),
    "foreign data wrapper": (
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE FOREIGN DATA WRAPPER w OPTIONS (debug 'true')",
    ),
    "foreign server": (
        f"{WRAPPER} CREATE SERVER v FOREIGN DATA WRAPPER w OPTIONS (host 'x', port '1')",
        f"{WRAPPER} CREATE SERVER v FOREIGN DATA WRAPPER w OPTIONS (host 'y', name 'z')",
    ),
    "foreign server version": (
        f"{WRAPPER} CREATE SERVER v VERSION '1' FOREIGN DATA WRAPPER w",
        f"{WRAPPER} CREATE SERVER v VERSION '2' FOREIGN DATA WRAPPER w",
    ),
    "foreign table": (
        f"{SERVER} CREATE FOREIGN TABLE f (a integer) SERVER v",
        f"{SERVER} CREATE FOREIGN TABLE f (a integer, b text) SERVER v OPTIONS (x 'y')",
    ),
    "function default": (
        "CREATE FUNCTION f(a integer, b text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION f(a integer, b text DEFAULT 'x') RETURNS integer LANGUAGE sql"
        " AS 'SELECT 1'",
    ),
    "identity": (
        "ALTER TABLE t ALTER a SET NOT NULL, ALTER a ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE t ALTER a SET NOT NULL, ALTER a ADD GENERATED BY DEFAULT AS IDENTITY",
    ),
    "index statistics": (
        "CREATE INDEX i ON t ((a + 1), (a + 2)); ALTER INDEX i ALTER 1 SET STATISTICS 9",
        "CREATE INDEX i ON t ((a + 1), (a + 2)); ALTER INDEX i ALTER 1 SET STATISTICS 9;"
        "ALTER INDEX i ALTER 2 SET STATISTICS 10",
    ),
    "inheritance": (
        "CREATE TABLE u (a integer) INHERITS (s)",
        "CREATE TABLE u (a integer, b text)",
    ),
    "operator": (
        "CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = same)",
        "CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = same,"
        " COMMUTATOR = OPERATOR(===))",
    ),
    "operator class": (
        "CREATE OPERATOR CLASS o FOR TYPE integer USING hash AS OPERATOR 1 =",
        "CREATE OPERATOR CLASS o FOR TYPE integer USING hash AS OPERATOR 1 =,"
        " FUNCTION 1 hashint4(integer)",
    ),
    "policy": (
        "CREATE POLICY p ON t FOR SELECT USING (a > 0)",
        "CREATE POLICY p ON t AS RESTRICTIVE FOR SELECT TO pg_monitor USING (a > 0)",
    ),
    "publication": (
        "CREATE PUBLICATION p FOR TABLE t",
        "CREATE PUBLICATION p FOR TABLE t WITH (publish = 'insert')",
    ),
    "publication columns": (
        "CREATE PUBLICATION p FOR TABLE t (a)",
        "CREATE PUBLICATION p FOR TABLE t (a, b) WHERE (a > 0)",
    ),
    "publication of everything": (
        "CREATE PUBLICATION p FOR TABLE t",
        "CREATE PUBLICATION p FOR ALL TABLES",
    ),
    "range type": (
        "CREATE TYPE r AS RANGE (subtype = integer)",
        "CREATE TYPE r AS RANGE (subtype = bigint)",
    ),
    "replica identity": (
        "ALTER TABLE t REPLICA IDENTITY FULL",
        "ALTER TABLE t REPLICA IDENTITY NOTHING",
    ),
    "row type of a table": (
        "CREATE TABLE u OF pair",
        "CREATE TABLE u (x integer, y text)",
    ),
    "rule": (
        "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING",
        "CREATE RULE r AS ON UPDATE TO t DO INSTEAD NOTHING; ALTER TABLE t DISABLE RULE r",
    ),
    "sequence owner": (
        "CREATE SEQUENCE q OWNED BY t.a",
        "CREATE SEQUENCE q OWNED BY s.a",
    ),
    "sequence type": (
        "CREATE SEQUENCE q AS smallint CYCLE",
        "CREATE UNLOGGED SEQUENCE q",
    ),
    "statistics": (
        "CREATE STATISTICS x (ndistinct) ON a, b FROM t",
        "CREATE STATISTICS x (dependencies) ON a, c FROM t",
    ),
    "storage": (
        "ALTER TABLE t ALTER b SET STORAGE MAIN, ALTER b SET COMPRESSION pglz",
        "ALTER TABLE t ALTER b SET STORAGE EXTERNAL",
    ),
    "table partitioning": (
        "CREATE TABLE u (a integer) PARTITION BY LIST (a)",
        "CREATE TABLE u (a integer) PARTITION BY RANGE (a)",
    ),
    "text search configuration": (
        "CREATE TEXT SEARCH CONFIGURATION k (COPY = simple)",
        "CREATE TEXT SEARCH CONFIGURATION k (COPY = simple); ALTER TEXT SEARCH CONFIGURATION k"
        " DROP MAPPING FOR uint; ALTER TEXT SEARCH CONFIGURATION k ALTER MAPPING FOR word"
        " WITH english_stem, simple",
    ),
    "text search dictionary": (
        "CREATE TEXT SEARCH DICTIONARY k (TEMPLATE = simple)",
        "CREATE TEXT SEARCH DICTIONARY k (TEMPLATE = simple, stopwords = english)",
    ),
    "transform": (
        "CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION"
        " prsd_lextype(internal))",
        "",
    ),
    "trigger state": (
        "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION one();"
        "ALTER TABLE t DISABLE TRIGGER g",
        "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION one();"
        "ALTER TABLE t ENABLE REPLICA TRIGGER g",
    ),
    "user mapping": (
        f"{SERVER} CREATE USER MAPPING FOR PUBLIC SERVER v OPTIONS (u 'x')",
        f"{SERVER} CREATE USER MAPPING FOR PUBLIC SERVER v OPTIONS (u 'y')",
    ),
    "view options": (
        "CREATE VIEW z WITH (security_barrier) AS SELECT a FROM t",
        "CREATE VIEW z WITH (security_invoker) AS SELECT a FROM t WITH CHECK OPTION",
    ),
}  # fmt: skip
# What has no plan from the first to the second ("there") or back, and says so.
NO_PLAN = {
    "inheritance": ("back",),
    "table partitioning": ("there", "back"),
}


@pytest.fixture(scope="module")
def ground(server: EmbeddedServer) -> Iterator[str]:
    """A database with the few things that the kinds below stand on."""
    name = server.create_database()
    load_dump(server, name, GROUND)
    yield name
    server.drop_database(name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_difference_of_any_kind_is_planned_or_said(
    server: EmbeddedServer, ground: str, kind: str
) -> None:
    one, other = (server.create_database(template=ground) for _ in range(2))
    try:
        for database, script in zip((one, other), KINDS[kind], strict=True):
            load_dump(server, database, script)
        old, new = read_catalog(server, one), read_catalog(server, other)
        assert not compare_stable(server, old, new).equal
        ways = (("there", one, old, new), ("back", other, new, old))
        for way, database, start, target in ways:
            proven = plan_and_prove(server, database, start, target)
            steps = "\n".join(step.sql for step in proven.plan.steps)
            reasons = [each.reason for each in proven.not_planned]
            assert (way in NO_PLAN.get(kind, ())) == bool(reasons), f"{reasons}\n{steps}"
            assert proven.proof.converged != bool(reasons), f"{proven.proof}\n{steps}"
    finally:
        for database in (one, other):
            server.drop_database(database)


def test_programs_of_this_server_write_restrict_lines_that_are_no_difference(
    server: EmbeddedServer, load: Load
) -> None:
    catalog = load("CREATE TABLE t (x integer)")
    again = subprocess.run(
        [str(server.bin_dir / "pg_dump"), "--schema-only", server.url("postgres")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "\\restrict " in again
    assert "\\restrict " in catalog.dump and "\\restrict " not in catalog.dump_body


def test_a_server_without_client_programs_is_read_with_others(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    bare = RemoteServer(server.url(), bin_dir=tmp_path)
    assert read_catalog(bare, "postgres").facts == read_catalog(server, "postgres").facts
