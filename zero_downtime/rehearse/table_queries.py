"""What is asked of pg_catalog about the tables of users, and their types."""

from __future__ import annotations

# Tables of users: not a system schema's, not a member of an extension.
_OURS = """
    n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
"""

TABLES = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind::text,
       (SELECT count(*)::int FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
        AND t.tgenabled <> 'D' AND t.tgtype & 4 > 0)
       + (SELECT count(*)::int FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '3')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND {_OURS}
ORDER BY n.nspname, c.relname
"""

COLUMNS = f"""
SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
       a.attgenerated::text, a.attidentity::text, pg_get_expr(d.adbin, d.adrelid),
       format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND {_OURS}
ORDER BY a.attrelid, a.attnum
"""

# conperiod exists from 18 on; read through JSON, the query works on older servers as well.
CONSTRAINTS = f"""
SELECT k.conrelid, k.conname, CASE WHEN k.contype IN ('p', 'u') THEN 'x' ELSE k.contype::text END,
       k.conkey, k.confrelid, k.confkey,
       CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END,
       k.confdeltype = 'c',
       (SELECT array_agg(o.oprname::text ORDER BY u.i)
        FROM unnest(k.conexclop) WITH ORDINALITY u(oid, i) JOIN pg_operator o ON o.oid = u.oid)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.conparentid = 0 AND {_OURS}
  AND (k.contype IN ('c', 'f')
       OR k.contype = 'x' AND NOT 0 = ANY (k.conkey)
       OR k.contype IN ('p', 'u') AND to_jsonb(k)->>'conperiod' = 'true')
ORDER BY k.conrelid, k.conname
"""

_USED_BY_INDEX = """
    (SELECT coalesce(array_agg(DISTINCT d.refobjsubid ORDER BY d.refobjsubid), '{}')
     FROM pg_depend d
     WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
       AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0)
"""

EXCLUDING_EXPRESSIONS = f"""
SELECT k.conrelid, k.conname, k.conkey,
       (SELECT array_agg(o.oprname::text ORDER BY u.i)
        FROM unnest(k.conexclop) WITH ORDINALITY u(oid, i) JOIN pg_operator o ON o.oid = u.oid),
       {_USED_BY_INDEX}
FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'x' AND 0 = ANY (k.conkey) AND k.conparentid = 0 AND {_OURS}
ORDER BY k.conrelid, k.conname
"""

UNIQUES = f"""
SELECT i.indrelid, x.relname,
       CASE WHEN i.indexprs IS NULL
            THEN (SELECT array_agg(u.number::int ORDER BY u.i)
                  FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(number, i)
                  WHERE u.i <= i.indnkeyatts)
            ELSE {_USED_BY_INDEX}::int[] END,
       i.indisprimary, i.indexprs IS NULL AND i.indpred IS NULL, i.indpred IS NOT NULL
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND NOT i.indisexclusion AND c.relkind IN ('r', 'p') AND {_OURS}
ORDER BY i.indrelid, NOT i.indisprimary, x.relname
"""

PARTITIONS = f"""
SELECT c.oid, h.inhparent, c.relname, pg_get_expr(c.relpartbound, c.oid),
       pg_get_partition_constraintdef(c.oid)
FROM pg_class c JOIN pg_inherits h ON h.inhrelid = c.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition AND c.relkind IN ('r', 'p') AND {_OURS}
ORDER BY n.nspname, c.relname
"""

PARTS = f"""
SELECT c.oid, n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition AND c.relkind IN ('r', 'p') AND {_OURS}
"""

FUNCTIONS = """
SELECT p.proname, string_agg(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), E'\\n')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND l.lanname NOT IN ('c', 'internal')
GROUP BY p.proname
"""

PARTITION_KEYS = """
SELECT p.partrelid, p.partstrat::text, p.partattrs::int2[] FROM pg_partitioned_table p
"""

TYPES = """
SELECT t.oid, t.typname, format_type(t.oid, NULL),
       CASE WHEN t.typtype = 'e' THEN 'enum' WHEN t.typtype = 'd' THEN 'domain'
            WHEN t.typtype = 'r' THEN 'range' WHEN t.typtype = 'm' THEN 'multirange'
            WHEN t.typtype = 'c' THEN 'composite'
            WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN 'array' ELSE 'base' END,
       CASE WHEN t.typtype = 'd' THEN t.typbasetype::int8
            WHEN t.typtype = 'r' THEN
              (SELECT r.rngsubtype::int8 FROM pg_range r WHERE r.rngtypid = t.oid)
            WHEN t.typtype = 'm' THEN
              (SELECT r.rngtypid::int8 FROM pg_range r WHERE r.rngmultitypid = t.oid)
            ELSE t.typelem::int8 END,
       t.typtypmod, t.typnotnull
FROM pg_type t
"""

ATTRIBUTES = """
SELECT t.oid, a.attname, a.atttypid, a.atttypmod
FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
WHERE t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
  AND t.typnamespace <> 'pg_catalog'::regnamespace
ORDER BY t.oid, a.attnum
"""

DOMAIN_CHECKS = """
SELECT contypid, pg_get_expr(conbin, 0) FROM pg_constraint
WHERE contypid <> 0 AND contype = 'c' ORDER BY contypid, conname
"""
