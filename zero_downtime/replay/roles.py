"""Roles on a server whose databases are copies of one another.

Roles belong to the cluster. The databases of a scratch server stand for one database at different
times, so none of them must find the roles that another one made: CREATE ROLE and DROP ROLE do in
each what they would if it had the server for itself. The role stays, for those databases whose
privileges name it. That a database made it is noted in it, as an empty large object: that goes
with a copy and with a transaction, and is in no dump of a schema.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import partial

import psycopg

from zero_downtime.postgres.literals import literal
from zero_downtime.postgres.roles import making, marking
from zero_downtime.replay.execution import first_value
from zero_downtime.sql.roles import roles_named
from zero_downtime.sql.tree import Node, NotParsed, fields_of, parse, tagged

Value = Callable[[str], object]  # the first value that a query gives in the revision's session

_MIGHT = re.compile(
    r"\b(role|user|group|grant|revoke|owner|owned|policy|privileges|authorization)\b", re.I
)
_MISSING = re.compile(r'\brole "(?P<name>[^"]+)" does not exist')
_TAKEN_ON = ("role", "session_authorization")
_NO_ROLES = ("", "none", "default")
_NOTHING = "DO $$BEGIN END$$"
_HAS_DEPENDENTS = """
SELECT 1 FROM pg_catalog.pg_shdepend
WHERE refclassid = 'pg_catalog.pg_authid'::regclass
  AND refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = {role})
  AND (dbid = {database} OR (dbid = 0 AND
       (classid <> 'pg_catalog.pg_database'::regclass OR objid = {database})))
LIMIT 1
"""
_DATABASE = "(SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"


class CopyRoles:
    """What is executed in such a database instead; ``notes`` gets the roles that were missing."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def instead(self, text: str, shown: str, value: Value) -> str:
        """The text to execute for a statement, which messages show as ``shown``."""
        if not _MIGHT.search(shown):
            return text
        try:
            kind, tree = parse(shown)
        except NotParsed:
            return text
        if kind == "DropRoleStmt":
            return _NOTHING if _dropped(tree, value) else text
        for role in dict.fromkeys(roles_named(tree)):
            self._provide(role, value)
        if kind == "VariableSetStmt" and tree.get("name") in _TAKEN_ON:
            for constant in tagged(tree, "A_Const"):  # whoever is it migrates
                self._provide(constant.get("sval", {}).get("sval", ""), value, "SUPERUSER")
        if kind == "CreateRoleStmt":
            return _NOTHING if _created(shown, str(tree["role"]), value) else text
        return text

    def _provide(self, role: str, value: Value, options: str = "") -> None:
        if role not in _NO_ROLES and not _there(role, value):
            value(making(role, options))
            note = f"the role {role} is not on this server: one was made for the time being"
            if note not in self._notes and _there(role, value):
                self._notes.append(note)

    def provided(self, error: BaseException, url: str) -> bool:
        """Whether it was a role that env.py takes on, which is there now, with all rights."""
        found = _MISSING.search(str(error))
        if found is None:
            return False
        with psycopg.connect(url, autocommit=True) as connection:
            value = partial(first_value, connection.cursor())
            self._provide(found["name"], value, "SUPERUSER")
            return _there(found["name"], value)


def _created(create: str, role: str, value: Value) -> bool:
    """Have a role made; False where the server has to say that the database has it."""
    if _there(role, value):
        if _noted(role, value):
            return False
    else:
        value(create)
        value(marking(role))
    value(f"SELECT pg_catalog.lo_create({_number(role)})")
    return True


def _dropped(tree: Node, value: Value) -> bool:
    """Have roles dropped; False where the server has to say what is in the way."""
    roles = [str(fields_of(role)["rolename"]) for role in tree.get("roles", ())]
    there = [role for role in roles if _there(role, value)]
    for role in there:
        if value(_HAS_DEPENDENTS.format(role=literal(role), database=_DATABASE)) is not None:
            return False
    if len(there) < len(roles) and not tree.get("missing_ok"):
        return False
    for role in there:
        if _noted(role, value):
            value(f"SELECT pg_catalog.lo_unlink({_number(role)})")
    return True


def _there(role: str, value: Value) -> bool:
    query = f"SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = {literal(role)}"
    return value(query) is not None


def _noted(role: str, value: Value) -> bool:
    query = f"SELECT 1 FROM pg_catalog.pg_largeobject_metadata WHERE oid = {_number(role)}"
    return value(query) is not None


def _number(role: str) -> str:
    """Of the large object that stands for a role."""
    return f"'{zlib.crc32(role.encode()) | 0x8000_0000}'::pg_catalog.oid"
