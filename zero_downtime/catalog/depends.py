"""What stands on what, by pg_depend: the identities that must go before another can be altered."""

from __future__ import annotations

import psycopg

from zero_downtime.catalog.facts import Identity

# Each object by (class, oid, sub-id) with the kind, name and relation of its identity. Columns of
# views and attributes of composite types stand for the whole. The search_path must be empty, so
# that regclass and format_type() write what pg_dump writes.
_DEPENDS = """
WITH relations AS (
    SELECT c.oid, c.relkind, c.oid::regclass::text AS name FROM pg_class c
    WHERE c.oid >= 16384 AND c.relnamespace <> 'pg_toast'::regnamespace
), kinds(relkind, kind) AS (VALUES
    ('r'::"char", 'table'), ('p', 'table'), ('f', 'table'), ('v', 'view'),
    ('m', 'materialized view'), ('S', 'sequence'), ('c', 'type')
), objects(class, oid, sub, kind, name, relation) AS MATERIALIZED (
    SELECT 'pg_class'::regclass, r.oid, 0, k.kind, r.name, ''
    FROM relations r JOIN kinds k USING (relkind)
  UNION ALL
    SELECT 'pg_class'::regclass, r.oid, a.attnum,
           CASE WHEN k.kind = 'table' THEN 'column' ELSE k.kind END,
           CASE WHEN k.kind = 'table' THEN quote_ident(a.attname) ELSE r.name END,
           CASE WHEN k.kind = 'table' THEN r.name ELSE '' END
    FROM relations r JOIN kinds k USING (relkind) JOIN pg_attribute a ON a.attrelid = r.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, 0,
           CASE WHEN k.oid IS NULL THEN 'index' ELSE 'constraint' END,
           coalesce(quote_ident(k.conname), i.indexrelid::regclass::text),
           i.indrelid::regclass::text
    FROM pg_index i
    LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
    WHERE i.indexrelid >= 16384
  UNION ALL
    SELECT 'pg_rewrite'::regclass, w.oid, 0,
           CASE WHEN w.rulename = '_RETURN' THEN k.kind ELSE 'rule' END,
           CASE WHEN w.rulename = '_RETURN' THEN r.name ELSE quote_ident(w.rulename) END,
           CASE WHEN w.rulename = '_RETURN' THEN '' ELSE r.name END
    FROM pg_rewrite w JOIN relations r ON r.oid = w.ev_class JOIN kinds k USING (relkind)
  UNION ALL
    SELECT 'pg_policy'::regclass, oid, 0, 'policy', quote_ident(polname), polrelid::regclass::text
    FROM pg_policy
  UNION ALL
    SELECT 'pg_trigger'::regclass, oid, 0, 'trigger', quote_ident(tgname), tgrelid::regclass::text
    FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0
  UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, 0,
           CASE WHEN a.attgenerated = '' THEN 'default' ELSE 'generated' END,
           quote_ident(a.attname), d.adrelid::regclass::text
    FROM pg_attrdef d JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.adrelid, d.adnum)
  UNION ALL
    SELECT 'pg_constraint'::regclass, oid, 0,
           CASE WHEN conrelid = 0 THEN 'domain constraint' ELSE 'constraint' END,
           quote_ident(conname),
           CASE WHEN conrelid = 0 THEN format_type(contypid, NULL) ELSE conrelid::regclass::text END
    FROM pg_constraint WHERE oid >= 16384 AND contype <> 'n'
  UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, 0, 'statistics',
           quote_ident(n.nspname) || '.' || quote_ident(s.stxname), ''
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
  UNION ALL
    SELECT 'pg_publication_rel'::regclass, m.oid, 0, 'publication table', m.prrelid::regclass::text,
           quote_ident(p.pubname)
    FROM pg_publication_rel m JOIN pg_publication p ON p.oid = m.prpubid
  UNION ALL
    SELECT 'pg_operator'::regclass, p.oid, 0, 'operator',
           quote_ident(n.nspname) || '.' || p.oprname || ' ('
               || CASE p.oprleft WHEN 0 THEN 'NONE' ELSE format_type(p.oprleft, NULL) END || ', '
               || format_type(p.oprright, NULL) || ')', ''
    FROM pg_operator p JOIN pg_namespace n ON n.oid = p.oprnamespace WHERE p.oid >= 16384
  UNION ALL
    SELECT 'pg_opclass'::regclass, o.oid, 0, 'operator class', quote_ident(n.nspname) || '.'
           || quote_ident(o.opcname) || ' USING ' || quote_ident(m.amname), ''
    FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_am m
      ON m.oid = opcmethod
    WHERE o.oid >= 16384
  UNION ALL
    SELECT 'pg_opfamily'::regclass, o.oid, 0, 'operator family', quote_ident(n.nspname) || '.'
           || quote_ident(o.opfname) || ' USING ' || quote_ident(m.amname), ''
    FROM pg_opfamily o JOIN pg_namespace n ON n.oid = opfnamespace JOIN pg_am m
      ON m.oid = opfmethod
    WHERE o.oid >= 16384
  UNION ALL
    SELECT 'pg_cast'::regclass, oid, 0, 'cast',
           '(' || format_type(castsource, NULL) || ' AS ' || format_type(casttarget, NULL)
               || ')', ''
    FROM pg_cast WHERE oid >= 16384
  UNION ALL
    SELECT 'pg_collation'::regclass, l.oid, 0, 'collation',
           quote_ident(n.nspname) || '.' || quote_ident(l.collname), ''
    FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid >= 16384
  UNION ALL
    SELECT 'pg_ts_dict'::regclass, d.oid, 0, 'text search dictionary',
           quote_ident(n.nspname) || '.' || quote_ident(d.dictname), ''
    FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace WHERE d.oid >= 16384
  UNION ALL
    SELECT 'pg_ts_config'::regclass, f.oid, 0, 'text search configuration',
           quote_ident(n.nspname) || '.' || quote_ident(f.cfgname), ''
    FROM pg_ts_config f JOIN pg_namespace n ON n.oid = f.cfgnamespace WHERE f.oid >= 16384
  UNION ALL
    SELECT 'pg_ts_parser'::regclass, p.oid, 0, 'text search parser',
           quote_ident(n.nspname) || '.' || quote_ident(p.prsname), ''
    FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace WHERE p.oid >= 16384
  UNION ALL
    SELECT 'pg_ts_template'::regclass, t.oid, 0, 'text search template',
           quote_ident(n.nspname) || '.' || quote_ident(t.tmplname), ''
    FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace WHERE t.oid >= 16384
  UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, 'foreign data wrapper',
           quote_ident(fdwname), ''
    FROM pg_foreign_data_wrapper
  UNION ALL
    SELECT 'pg_foreign_server'::regclass, oid, 0, 'server', quote_ident(srvname), ''
    FROM pg_foreign_server
  UNION ALL
    SELECT 'pg_user_mapping'::regclass, u.umid, 0, 'user mapping', 'FOR '
           || CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(u.usename) END
           || ' SERVER ' || quote_ident(u.srvname), ''
    FROM pg_user_mappings u
  UNION ALL
    SELECT 'pg_event_trigger'::regclass, oid, 0, 'event trigger', quote_ident(evtname), ''
    FROM pg_event_trigger
  UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0,
           CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
           quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || coalesce(
               (SELECT string_agg(format_type(t, NULL), ', ' ORDER BY n)
                FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, n)), '') || ')', ''
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid >= 16384
  UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0,
           coalesce(k.kind, CASE e.typtype WHEN 'd' THEN 'domain' ELSE 'type' END),
           coalesce(r.name, format_type(e.oid, NULL)), ''
    FROM pg_type t
    JOIN pg_type e
      ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
    LEFT JOIN relations r ON r.oid = e.typrelid LEFT JOIN kinds k ON k.relkind = r.relkind
    WHERE e.oid >= 16384
), pairs AS (
    SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid FROM pg_depend
    WHERE deptype IN ('n', 'a') AND objid >= 16384 AND refobjid >= 16384
  UNION ALL
    -- A foreign key needs the index of the key it refers to.
    SELECT 'pg_constraint'::regclass, oid, 0, 'pg_class'::regclass, conindid, 0
    FROM pg_constraint WHERE contype = 'f' AND conindid <> 0
)
SELECT DISTINCT o.kind, o.name, o.relation, r.kind, r.name, r.relation
FROM pairs p
JOIN objects o ON (o.class, o.oid, o.sub) = (p.classid, p.objid, p.objsubid)
JOIN objects r ON (r.class, r.oid, r.sub) = (p.refclassid, p.refobjid, p.refobjsubid)
WHERE (o.kind, o.name, o.relation) <> (r.kind, r.name, r.relation)
"""


def read_depends(
    connection: psycopg.Connection[tuple[object, ...]],
) -> dict[Identity, frozenset[Identity]]:
    """Each object with those that it stands on. The session's search_path must be empty."""
    found: dict[Identity, set[Identity]] = {}
    for row in connection.execute(_DEPENDS).fetchall():
        kind, name, of, other_kind, other_name, other_of = (str(value) for value in row)
        found.setdefault(Identity(kind, name, of), set()).add(
            Identity(other_kind, other_name, other_of)
        )
    return {identity: frozenset(others) for identity, others in found.items()}
