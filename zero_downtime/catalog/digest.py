"""A digest of a database's catalog: equal digests mean equal catalogs, quicker than two dumps.

What migrations touch every day goes in as PostgreSQL writes it, without OIDs and with the names
of things. The rest goes in as the rows of the system catalogs stand there: such a thing made anew
gives another digest though it is the same. So different digests mean nothing: then dumps are
compared.
"""

from __future__ import annotations

import psycopg

# The search_path is empty while these run, so that names come out qualified. Each gives one text.
_OWN = "oid >= 16384"
_WRITTEN = {
    "schemas": """
        SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace
        WHERE nspname !~ '^pg_(toast|temp)' ORDER BY 1""",
    "relations": """
        SELECT c.oid::regclass::text AS name, c.relkind, c.relpersistence, c.relowner::regrole,
               c.relacl, c.reloptions, t.reloptions, c.relrowsecurity, c.relforcerowsecurity,
               c.relreplident, c.relispopulated, s.spcname, a.amname, c.reloftype::regtype,
               pg_get_expr(c.relpartbound, c.oid),
               CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
               CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END
        FROM pg_class c
        LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
        LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
        LEFT JOIN pg_am a ON a.oid = c.relam
        WHERE c.oid >= 16384 AND c.relnamespace <> 'pg_toast'::regnamespace
        AND c.relpersistence <> 't' ORDER BY 1, 2""",
    "columns": """
        SELECT a.attrelid::regclass::text AS name,
               string_agg(concat_ws('|', a.attname, format_type(a.atttypid, a.atttypmod),
                   a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated, a.attstorage,
                   a.attcompression, a.attstattarget, a.attislocal, a.attinhcount, a.attacl,
                   a.attoptions, a.attfdwoptions, a.attcollation::regcollation,
                   pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY a.attname)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relnamespace <> 'pg_toast'::regnamespace AND c.relpersistence <> 't'
        GROUP BY a.attrelid ORDER BY 1""",
    "constraints": """
        SELECT conrelid::regclass::text, contypid::regtype::text, conname,
               pg_get_constraintdef(oid), convalidated, conislocal, coninhcount, connoinherit,
               conparentid <> 0, conindid::regclass
        FROM pg_constraint WHERE oid >= 16384 ORDER BY 1, 2, 3""",
    "indexes": """
        SELECT i.indexrelid::regclass::text,
               CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.indexrelid) END,
               i.indisvalid, i.indisclustered, i.indisreplident
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        LEFT JOIN pg_constraint k  -- whose definition says the rest
          ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
        WHERE i.indexrelid >= 16384 AND c.relnamespace <> 'pg_toast'::regnamespace ORDER BY 1""",
    "inheritance": """
        SELECT inhrelid::regclass::text, inhparent::regclass::text, inhseqno, inhdetachpending
        FROM pg_inherits ORDER BY 1, 2""",
    "sequences": """
        SELECT s.seqrelid::regclass::text, s.seqtypid::regtype, s.seqstart, s.seqincrement,
               s.seqmax, s.seqmin, s.seqcache, s.seqcycle,
               d.deptype, d.refobjid::regclass, a.attname
        FROM pg_sequence s
        LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
          AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        ORDER BY 1""",
    "types": """
        SELECT t.oid::regtype::text, t.typtype, t.typowner::regrole, t.typacl,
               format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
               t.typcollation::regcollation,
               (SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder)
                FROM pg_enum e WHERE e.enumtypid = t.oid)
        FROM pg_type t WHERE t.oid >= 16384 AND t.typtype IN ('d', 'e') ORDER BY 1""",
    "functions": """
        SELECT p.oid::regprocedure::text, p.proowner::regrole, pg_get_functiondef(p.oid)
        FROM pg_proc p WHERE p.oid >= 16384 AND p.prokind <> 'a'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                        AND d.objid = p.oid AND d.deptype = 'e') ORDER BY 1""",
    "function privileges": """
        SELECT oid::regprocedure::text, proacl FROM pg_proc WHERE proacl IS NOT NULL ORDER BY 1""",
    "triggers": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled, tgparentid <> 0
        FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2""",
    "internal triggers": """
        SELECT tgrelid::regclass::text, tgfoid::regproc, tgtype, tgenabled, count(*)
        FROM pg_trigger WHERE tgisinternal GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
    "rules": """
        SELECT ev_class::regclass::text, rulename, pg_get_ruledef(oid), ev_enabled
        FROM pg_rewrite WHERE oid >= 16384 AND rulename <> '_RETURN' ORDER BY 1, 2""",
    "policies": """
        SELECT polrelid::regclass::text, polname, polcmd, polpermissive,
               (SELECT string_agg(r::regrole::text, ',' ORDER BY 1) FROM unnest(polroles) r),
               pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
        FROM pg_policy ORDER BY 1, 2""",
    "comments": """
        SELECT i.type, i.identity, d.description
        FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
        WHERE d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass ORDER BY 1, 2""",
    "extensions": """
        SELECT extname, extversion, extnamespace::regnamespace, extowner::regrole,
               extconfig::regclass[], extcondition FROM pg_extension ORDER BY 1""",
    "system privileges": """
        SELECT oid::regclass::text, relacl FROM pg_class
        WHERE oid < 16384 AND relacl IS NOT NULL ORDER BY 1""",
}

# As they stand, without their own row's history. The condition tells ours from initdb's.
_RAW = {
    "pg_type": f"{_OWN} AND typtype NOT IN ('d', 'e', 'c') AND typcategory <> 'A'",
    "pg_aggregate": "aggfnoid >= 16384",
    "pg_operator": _OWN,
    "pg_opclass": _OWN,
    "pg_opfamily": _OWN,
    "pg_amop": _OWN,
    "pg_amproc": _OWN,
    "pg_am": _OWN,
    "pg_cast": _OWN,
    "pg_conversion": _OWN,
    "pg_collation": _OWN,
    "pg_language": "true",
    "pg_transform": "true",
    "pg_ts_config": _OWN,
    "pg_ts_config_map": "mapcfg >= 16384",
    "pg_ts_dict": _OWN,
    "pg_ts_parser": _OWN,
    "pg_ts_template": _OWN,
    "pg_foreign_data_wrapper": "true",
    "pg_foreign_server": "true",
    "pg_foreign_table": "true",
    "pg_user_mappings": "true",  # a view: the table is for superusers
    "pg_publication": "true",
    "pg_publication_rel": "true",
    "pg_publication_namespace": "true",
    "pg_event_trigger": "true",
    "pg_statistic_ext": "true",
    "pg_default_acl": "true",
    "pg_seclabel": "true",
    "pg_range": "rngtypid >= 16384",
}
_SINCE = {"pg_publication_namespace": 15}

_SETTINGS = "SET search_path = ''; SET jit = off; SET lock_timeout = '2s'"

_WRITING = """
    SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL"""

_MEMBERS = """
    SELECT classid, objid, refobjid, deptype FROM pg_depend
    WHERE deptype IN ('e', 'x') ORDER BY 1, 2, 3"""


def digest_query(major: int) -> str:
    """The query whose one value is the digest; for a session whose search_path is empty."""
    parts = [*_WRITTEN.values(), _MEMBERS]
    for catalog, condition in _RAW.items():
        if major >= _SINCE.get(catalog, 0):
            parts.append(f"SELECT r::text FROM {catalog} r WHERE {condition} ORDER BY 1")
    hashed = ",\n".join(
        f"(SELECT coalesce(md5(string_agg(p::text, E'\\n')), '-') FROM ({part}) p)"
        for part in parts
    )
    return f"SELECT concat_ws(' ', {hashed})"


def written(digest: str) -> str:
    """The part of a digest that is the same for the same things made twice."""
    return " ".join(digest.split()[: len(_WRITTEN)])


class Digester:
    """Takes digests of one database, over one connection that stays open. A context."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        self._connection.execute(_SETTINGS, prepare=False)
        self._query = digest_query(self._connection.info.server_version // 10000).encode()

    def __enter__(self) -> Digester:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def digest(self) -> str:
        """The digest of the database as it is now."""
        row = self._connection.execute(self._query).fetchone()
        assert row is not None
        return str(row[0])

    def alone(self) -> bool:
        """Whether nobody has changes that are not committed, which a digest would not see."""
        return self._connection.execute(_WRITING).fetchone() is None
