"""The tables that use a type or a function which a revision changes without locking any of them."""

from __future__ import annotations

from zero_downtime.rehearse.session import Connection, rows_of

# A row that was written since has an xmin of that time. From types and functions the way leads to
# types made of them (domains, arrays) and to what hangs on a table.
_USING = """
WITH RECURSIVE changed AS (
  SELECT 'pg_type'::regclass::oid AS class, oid AS object, xmin FROM pg_type
  UNION ALL SELECT 'pg_type'::regclass, enumtypid, xmin FROM pg_enum
  UNION ALL SELECT 'pg_type'::regclass, contypid, xmin FROM pg_constraint WHERE contypid <> 0
  UNION ALL SELECT 'pg_proc'::regclass, oid, xmin FROM pg_proc
), reached AS (
  SELECT class, object FROM changed WHERE age(xmin) <= age(%s::text::xid)
  UNION
  SELECT d.classid, d.objid FROM reached r
  JOIN pg_depend d ON d.refclassid = r.class AND d.refobjid = r.object
  WHERE r.class IN ('pg_type'::regclass, 'pg_proc'::regclass)
), tables AS (
  SELECT CASE class
    WHEN 'pg_class'::regclass THEN object
    WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = object)
    WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint WHERE oid = object)
    WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = object)
    WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = object)
    WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = object)
  END AS oid FROM reached
)
SELECT DISTINCT n.nspname || '.' || c.relname
FROM tables JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1
"""


def now(connection: Connection) -> str:
    """A transaction id: what is written from here on has a later one."""
    return str(rows_of(connection, "SELECT pg_current_xact_id()::xid::text")[0][0])


def tables_using(connection: Connection, since: str) -> list[str]:
    """The tables and views, by name, that use what was changed since :func:`now`."""
    return [str(name) for (name,) in rows_of(connection, _USING, [since])]
