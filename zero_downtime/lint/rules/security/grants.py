"""Rights that are given to too many, or taken from the running release."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import Node, fields_of, options_of

_WRITES = frozenset({"insert", "update", "delete", "truncate", "references", "trigger"})


def privileges(node: Node) -> frozenset[str]:
    """The privileges that a GRANT or REVOKE names; "all" for ALL PRIVILEGES."""
    named = [fields_of(item) for item in node.get("privileges", ())]
    return frozenset(item["priv_name"].lower() for item in named) or frozenset({"all"})


def grantees(node: Node) -> tuple[str, ...]:
    """The roles that get or lose something, PUBLIC among them."""
    roles = [fields_of(role) for role in node.get("grantees", ())]
    return tuple(role.get("rolename") or _NAMELESS[role["roletype"]] for role in roles)


_NAMELESS = {
    "ROLESPEC_PUBLIC": "PUBLIC",
    "ROLESPEC_CURRENT_ROLE": "CURRENT_ROLE",
    "ROLESPEC_CURRENT_USER": "CURRENT_USER",
    "ROLESPEC_SESSION_USER": "SESSION_USER",
}


def tables(here: Here, node: Node) -> list[str]:
    """The relations that a GRANT or REVOKE names."""
    if node.get("objtype") != "OBJECT_TABLE" or node.get("targtype") != "ACL_TARGET_OBJECT":
        return []
    return [here.state.key_of_range(fields_of(item)) for item in node.get("objects", ())]


class GrantToPublic(Rule):
    """Every role gets the right to change a table, also those made later."""

    severity = "warning"
    on = ("GrantStmt", "AlterDefaultPrivilegesStmt")
    why = "PUBLIC is every role there is and will be, the read-only and monitoring ones included."
    safe = "GRANT to the application's role by name."
    bad = "GRANT INSERT, UPDATE ON orders TO PUBLIC;"
    good = "GRANT INSERT, UPDATE ON orders TO CURRENT_ROLE;"

    def check(self, here: Here) -> Iterator[Finding]:
        node = here.node
        if here.kind == "AlterDefaultPrivilegesStmt":
            node = node["action"]
        if not node.get("is_grant") or "PUBLIC" not in grantees(node):
            return
        wide = privileges(node) & {"all", *_WRITES}
        if wide and node.get("objtype") in ("OBJECT_TABLE", "OBJECT_SCHEMA", "OBJECT_DATABASE"):
            yield self.found(
                here,
                f"Every role, whatever it is for, gets {', '.join(sorted(wide)).upper()} by this.",
                "GRANT … TO the_application;",
            )


class GrantAll(Rule):
    """A role gets all privileges instead of those that it needs."""

    severity = "warning"
    default = False
    on = ("GrantStmt",)
    why = "ALL holds TRUNCATE, REFERENCES and TRIGGER too, which an application rarely needs."
    safe = "GRANT SELECT, INSERT, UPDATE, DELETE."
    bad = "GRANT ALL ON orders TO CURRENT_ROLE;"
    good = "GRANT SELECT, INSERT ON orders TO CURRENT_ROLE;"

    def check(self, here: Here) -> Iterator[Finding]:
        if not here.node.get("is_grant") or here.node.get("objtype") != "OBJECT_TABLE":
            return
        if privileges(here.node) == {"all"} and "PUBLIC" not in grantees(here.node):
            yield self.found(
                here,
                f"{', '.join(grantees(here.node))} may also truncate, and make triggers and"
                " foreign keys.",
                self.safe,
            )


class GrantOption(Rule):
    """A role may hand on what it is given."""

    severity = "warning"
    default = False
    on = ("GrantStmt", "GrantRoleStmt")
    why = (
        "Rights that were handed on belong to chains that REVOKE has to follow with CASCADE, and"
        " nobody reads from the migrations who may do what."
    )
    safe = "GRANT without the option; new grants come by migration."
    bad = "GRANT SELECT ON orders TO CURRENT_ROLE WITH GRANT OPTION;"
    good = "GRANT SELECT ON orders TO CURRENT_ROLE;"

    def check(self, here: Here) -> Iterator[Finding]:
        admin = options_of(here.node.get("opt")).get("admin")
        if here.node.get("is_grant") and (here.node.get("grant_option") or admin is True):
            yield self.found(here, "Who gets this may give it to every other role.", self.safe)


class RevokeFromRunningRelease(Rule):
    """A right on a table in use is taken from a role."""

    severity = "warning"
    on = ("GrantStmt",)
    why = (
        "If the running release works as that role, its next statement fails with permission"
        " denied; a REVOKE takes effect at COMMIT, for open sessions too."
    )
    safe = "Revoke when no running release uses the right any more."
    bad = "REVOKE UPDATE ON orders FROM app;"
    good = "GRANT SELECT ON orders TO app;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("is_grant") or here.is_downgrade:
            return
        keys = [key for key in tables(here, here.node) if not here.is_new(key)]
        keys = [key for key in keys if here.state.exists(key)]
        roles = [role for role in grantees(here.node) if role and role != "PUBLIC"]
        if keys and roles and not _given_back(here, set(keys), set(roles)):
            lost = ", ".join(sorted(privileges(here.node))).upper()
            yield self.found(
                here,
                f"{', '.join(roles)} loses {lost} on {', '.join(map(short, keys))} at once, and"
                " what still needs it fails.",
                self.safe,
                keys[0],
            )


def _given_back(here: Here, keys: set[str], roles: set[str]) -> bool:
    """Whether a later GRANT of the unit is there: REVOKE ALL and GRANT sets rights anew."""
    return any(
        kind == "GrantStmt"
        and node.get("is_grant")
        and keys & set(tables(here, node))
        and roles & set(grantees(node))
        for _, kind, node in here.following("grant")
    )


class RoleWithoutBounds(Rule):
    """A role becomes superuser, or gets round row security."""

    severity = "warning"
    on = ("CreateRoleStmt", "AlterRoleStmt")
    why = (
        "A superuser is asked for no right and bound by no policy; a leaked password of such a role"
        " is the whole cluster. BYPASSRLS is that for the rows of all tenants."
    )
    safe = "Grant what the role needs; pg_read_all_data, pg_maintain and the like for the rest."
    bad = "CREATE ROLE reporting LOGIN SUPERUSER;"
    good = "CREATE ROLE reporting LOGIN;"

    def check(self, here: Here) -> Iterator[Finding]:
        options = options_of(here.node.get("options"))
        given = [name for name in ("superuser", "bypassrls") if options.get(name) is True]
        if given:
            yield self.found(
                here,
                f"The role gets {' and '.join(given).upper()}: no right and no policy holds it.",
                self.safe,
            )


class OwnerChanged(Rule):
    """A table in use gets another owner."""

    severity = "warning"
    default = False  # a dump does it to every table
    on = ("AT_ChangeOwner",)
    why = (
        "The owner needs no grants and is bound by no policy: an application that works as the old"
        " owner loses its rights at once unless they are granted before."
    )
    safe = "GRANT to the old owner what it uses, in the same transaction."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders OWNER TO warehouse;"
    good = "GRANT SELECT, INSERT, UPDATE ON orders TO warehouse;"

    def check(self, here: Here) -> Iterator[Finding]:
        if any(here.commands("AT_ChangeOwner")):
            key = here.table()
            yield self.found(
                here,
                f"What works as the old owner of {short(key)} has no right on it any more.",
                f"GRANT … ON {short(key)} TO the_old_owner;  -- in the same transaction",
                key,
            )
