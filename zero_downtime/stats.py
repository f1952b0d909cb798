"""How large and how busy the tables of a database are: figures only, no value of any row.

``zd stats pull`` takes them from production, lint and rehearsal reckon with them anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from zero_downtime.errors import DatabaseError, InputError


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


class Stats(Struct, frozen=True):
    """The relations of one database by ``schema.name``."""

    version: int
    server: str  # "18.6"
    taken: str  # a day
    relations: dict[str, RelationStats]

    def of(self, relation: str | None) -> RelationStats | None:
        return self.relations.get(relation or "")


_RELATIONS = """
WITH RECURSIVE tree (root, relation) AS (
    SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p', 'm')
    UNION ALL
    SELECT tree.root, inhrelid FROM tree
    JOIN pg_inherits ON inhparent = tree.relation
    JOIN pg_class parent ON parent.oid = inhparent AND parent.relkind = 'p'
), counted AS (
    SELECT EXTRACT(epoch FROM now() - coalesce(
        (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
        pg_postmaster_start_time())) AS seconds
)
SELECT n.nspname || '.' || c.relname,
    sum(CASE WHEN part.relkind = 'p' THEN 0 WHEN part.reltuples >= 0 THEN part.reltuples
        ELSE coalesce(s.n_live_tup, 0) END)::bigint,
    sum(CASE WHEN part.relkind = 'p' THEN 0 ELSE pg_table_size(part.oid) END)::bigint,
    sum(CASE WHEN part.relkind = 'p' THEN 0 ELSE pg_indexes_size(part.oid) END)::bigint,
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
_COLUMNS = """
SELECT schemaname || '.' || tablename, attname, null_frac::float8, n_distinct::float8, avg_width
FROM pg_stats
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2, inherited
"""


def pull(url: str) -> Stats:
    """The figures of a live database, which is only read. Raises DatabaseError."""
    import psycopg

    from zero_downtime.postgres.server import masked

    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = on")
            connection.execute("SET search_path = ''")
            columns: dict[str, dict[str, ColumnStats]] = {}
            for relation, name, nulls, distinct, width in connection.execute(_COLUMNS):
                figures = ColumnStats(round(nulls, 4), round(distinct, 4), width)
                columns.setdefault(relation, {})[name] = figures
            relations = {
                name: RelationStats(rows, size, index_size, round(writes, 3), columns.get(name, {}))
                for name, rows, size, index_size, writes in connection.execute(_RELATIONS)
            }
            (today,) = connection.execute("SELECT current_date::text").fetchone() or ("",)
            version = connection.info.server_version
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise DatabaseError(
            database=masked(url),
            reason=f"the server refuses ({reason})",
            advice="Check host, database, user and password",
        ) from error
    return Stats(1, f"{version // 10000}.{version % 10000}", today, relations)


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
