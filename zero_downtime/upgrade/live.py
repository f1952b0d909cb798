"""What the lock model needs to know of a live database, read from its catalog without locks."""

from __future__ import annotations

from typing import Any, cast

import psycopg

from zero_downtime.sql.facts import Constraint, Index, Relation, RelationKind
from zero_downtime.sql.state import State

_KINDS: dict[str, RelationKind] = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
    "f": "foreign table",
}

_OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

_RELATIONS = f"""
SELECT n.nspname, c.relname, c.relkind::text, c.relispartition,
  ARRAY(SELECT pn.nspname || '.' || p.relname FROM pg_catalog.pg_inherits i
        JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
        JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
        WHERE i.inhrelid = c.oid ORDER BY i.inhseqno)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {_OURS}
"""

_FOREIGN_KEYS = f"""
SELECT n.nspname || '.' || c.relname, k.conname, k.convalidated, rn.nspname || '.' || r.relname
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE k.contype = 'f' AND {_OURS}
"""

_INDEXES = f"""
SELECT n.nspname || '.' || i.relname, n.nspname || '.' || c.relname
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {_OURS}
"""


def live_state(connection: psycopg.Connection[Any]) -> State:
    """Relations with their parents, foreign keys and indexes; columns stay unknown."""
    state = State()
    keys: dict[str, dict[str, Constraint]] = {}
    for table, name, valid, other in connection.execute(_FOREIGN_KEYS):
        key = Constraint(name, "foreign key", valid=valid, references=other)
        keys.setdefault(table, {})[name] = key
    for schema, name, kind, is_partition, parents in connection.execute(
        cast("psycopg.abc.QueryNoTemplate", _RELATIONS)
    ):
        state.put(
            Relation(
                schema,
                name,
                _KINDS[kind],
                known=False,
                constraints=keys.get(f"{schema}.{name}", {}),
                parents=tuple(parents),
                is_partition=is_partition,
            )
        )
    for index, table in connection.execute(_INDEXES):
        state.indexes[index] = Index(index, table)
    return state
