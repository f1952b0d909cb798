"""How large and how busy the tables of a database are: figures only, no value of any row.

``zd stats pull`` takes them from production, lint and rehearsal reckon with them anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from zero_downtime.errors import DatabaseError, InputError

if TYPE_CHECKING:
    import psycopg


class ColumnStats(Struct, frozen=True, omit_defaults=True):
    """One column as ANALYZE saw it; ``distinct`` below 0 is a share of the rows."""

    nulls: float = 0.0  # share of the rows
    distinct: float = 0.0
    width: int = 0  # bytes


class RelationStats(Struct, frozen=True, omit_defaults=True):
    """One table or materialized view; a partitioned one with all of its partitions."""

    rows: int = 0
    bytes: int = 0  # without indexes
    index_bytes: int = 0
    writes_per_second: float = 0.0
    columns: dict[str, ColumnStats] = {}


class StatementStats(Struct, frozen=True):
    """A statement as pg_stat_statements shows it: parameters stand for its values."""

    sql: str
    calls: int


class Stats(Struct, frozen=True, omit_defaults=True):
    """The relations of one database by ``schema.name``."""

    version: int
    server: str  # "18.6"
    taken: str  # a day
    relations: dict[str, RelationStats]
    statements: list[StatementStats] = []

    def of(self, relation: str | None) -> RelationStats | None:
        return self.relations.get(relation or "")

    def bare(self) -> list[str]:
        """The relations with rows, of whose columns nothing is known."""
        return [name for name, one in self.relations.items() if one.rows and not one.columns]


_RELATIONS = """
WITH RECURSIVE tree (root, relation) AS (
    SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p', 'm')
    UNION ALL
    SELECT tree.root, inhrelid FROM tree
    JOIN pg_inherits ON inhparent = tree.relation
    JOIN pg_class parent ON parent.oid = inhparent AND parent.relkind = 'p'
), counted AS (
    -- Counters outlive restarts: without a reset of their own they begin with the cluster's.
    SELECT EXTRACT(epoch FROM now() - coalesce(
        (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
        least((SELECT stats_reset FROM pg_stat_bgwriter), (SELECT stats_reset FROM pg_stat_wal),
              (SELECT stats_reset FROM pg_stat_archiver)),
        pg_postmaster_start_time())) AS seconds
)
SELECT n.nspname || '.' || c.relname,
    sum(CASE WHEN part.relkind = 'p' THEN 0 WHEN part.reltuples >= 0 THEN part.reltuples
        ELSE coalesce(s.n_live_tup, 0) END)::bigint,
    sum(CASE WHEN part.relkind = 'p' THEN 0 ELSE {table} END)::bigint,
    sum(CASE WHEN part.relkind = 'p' THEN 0 ELSE {indexes} END)::bigint,
    (coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0)
        / greatest(min(seconds), 1))::float8
FROM tree
JOIN pg_class c ON c.oid = tree.root
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class part ON part.oid = tree.relation
LEFT JOIN pg_stat_all_tables s ON s.relid = part.oid
CROSS JOIN counted
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
GROUP BY 1 ORDER BY 1
"""
_SIZES = {"table": "pg_table_size(part.oid)", "indexes": "pg_indexes_size(part.oid)"}
_PAGES = {  # what VACUUM saw last: asked where a lock stands in the way of looking
    "table": "(part.relpages + coalesce((SELECT t.relpages FROM pg_class t"
    " WHERE t.oid = part.reltoastrelid), 0))::bigint * current_setting('block_size')::int",
    "indexes": "coalesce((SELECT sum(x.relpages)::bigint FROM pg_index i JOIN pg_class x"
    " ON x.oid = i.indexrelid WHERE i.indrelid = part.oid), 0)"
    " * current_setting('block_size')::int",
}
_COMMENT = re.compile(r"""(?s)/\*.*?\*/|--[^\n]*""")
_MOST_ORDINAL = 99  # ORDER BY 2 is no value
_COLUMNS = """
SELECT schemaname || '.' || tablename, attname, null_frac::float8, n_distinct::float8, avg_width
FROM pg_stats
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2, inherited
"""


# The extension may be in any schema; texts that the role may not read are shown as <…>.
_STATEMENTS = """
SELECT query, sum(calls)::bigint FROM {}.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND query ~* '^(\\s|/\\*.*?\\*/)*(select|insert|update|delete|merge|with)\\M'
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2000
"""
_EXTENSION = """
SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
"""


def pull(url: str, statements: int = 0) -> Stats:
    """The figures of a live database, which is only read. Raises DatabaseError.

    With them so many of the most frequent ``statements``, as far as no value is left in them.
    """
    import psycopg

    from zero_downtime.postgres.urls import libpq_url, masked

    try:
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = on")
            connection.execute("SET search_path = ''")
            connection.execute("SET lock_timeout = '1s'")
            columns: dict[str, dict[str, ColumnStats]] = {}
            for relation, name, nulls, distinct, width in connection.execute(_COLUMNS):
                figures = ColumnStats(round(nulls, 4), round(distinct, 4), width)
                columns.setdefault(relation, {})[name] = figures
            relations = {
                name: RelationStats(rows, size, index_size, round(writes, 3), columns.get(name, {}))
                for name, rows, size, index_size, writes in _sizes(connection)
            }
            (today,) = connection.execute("SELECT current_date::text").fetchone() or ("",)
            version = connection.info.server_version
            texts = _frequent(connection, statements) if statements else []
    except psycopg.Error as error:
        reason = masked(" ".join(str(error).split()))
        raise DatabaseError(
            database=masked(url),
            reason=f"the server refuses ({reason})",
            advice="Check host, database, user and password",
        ) from error
    return Stats(1, f"{version // 10000}.{version % 10000}", today, relations, texts)


def _sizes(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    from psycopg.errors import LockNotAvailable

    try:
        return connection.execute(_RELATIONS.format(**_SIZES).encode()).fetchall()
    except LockNotAvailable:
        return connection.execute(_RELATIONS.format(**_PAGES).encode()).fetchall()


def _frequent(connection: psycopg.Connection[Any], most: int) -> list[StatementStats]:
    found = connection.execute(_EXTENSION).fetchone()
    if found is None:
        raise DatabaseError(
            database=connection.info.dbname,
            reason="the extension pg_stat_statements is not there",
            advice="Create it, or leave --statements out",
        )
    frequent: dict[str, int] = {}
    for text, calls in connection.execute(_STATEMENTS.replace("{}", found[0]).encode()):
        plain = without_values(text)
        if plain is not None:
            frequent[plain] = frequent.get(plain, 0) + calls
    ordered = sorted(frequent.items(), key=lambda each: (-each[1], each[0]))
    return [StatementStats(text, calls) for text, calls in ordered[:most]]


def without_values(text: str) -> str | None:
    """A normalized statement without its comments; None when a value is left in it.

    The server has replaced constants by parameters, as a rule. Comments are the client's.
    """
    from zero_downtime.sql.tree import NotParsed, parse_once, tagged

    plain = " ".join(_COMMENT.sub(" ", text).split())
    try:
        _, tree = parse_once(plain)
    except NotParsed:
        return None
    for value in tagged(tree, "A_Const"):
        if "sval" in value or "fval" in value or "bsval" in value:
            return None
        if value.get("ival", {}).get("ival", 0) > _MOST_ORDINAL:
            return None
    touches = any(True for _ in tagged(tree, "RangeVar")) or "relation" in tree
    system = any(
        each.get("schemaname") in ("pg_catalog", "information_schema")
        or each.get("relname", "").startswith("pg_")
        for each in tagged(tree, "RangeVar")
    )
    return plain if touches and not system else None


def as_json(stats: Stats) -> str:
    """The file that others read: sorted, so that two of them can be compared."""
    plain: Mapping[str, object] = msgspec.to_builtins(stats)
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n"


def read_stats(path: Path) -> Stats:
    """What ``zd stats pull`` wrote. Raises InputError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Stats)
    except OSError as error:
        raise InputError(
            where=path,
            reason=f"can't be read ({error.strerror})",
            advice="Make it with zd stats pull",
        ) from error
    except msgspec.DecodeError as error:
        raise InputError(
            where=path,
            reason=f"is no file of zd stats ({error})",
            advice="Make it with zd stats pull",
        ) from error


def write_stats(stats: Stats, path: Path) -> None:
    """Write the file. Raises InputError."""
    try:
        path.write_text(as_json(stats), "utf-8")
    except OSError as error:
        raise InputError(
            where=path, reason=f"can't be written ({error.strerror})", advice="Check the path"
        ) from error
