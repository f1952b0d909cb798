"""Row security: policies, and tables and views that get round them."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import Node, constant, fields_of, options_of, path_of

_NOTES = "CREATE TABLE notes (id bigint, owner name);\n"
_SECURED = _NOTES + "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n"
_POLICY = "CREATE POLICY own ON notes USING (owner = current_user);\n"
_TIMEOUT = "SET lock_timeout = '2s';\n"


class ViewBypassesRowSecurity(Rule):
    """A view reads a table with row security with its owner's rights."""

    severity = "warning"
    majors = (15, 18)
    on = ("ViewStmt",)
    why = (
        "A view reads as its owner, who mostly is the owner of the table too, and policies don't"
        " bind the owner: whoever may read the view sees every row."
    )
    safe = "CREATE VIEW … WITH (security_invoker = true)."
    bad = _SECURED + _POLICY + "CREATE VIEW ids AS SELECT id FROM notes;"
    good = (
        _SECURED
        + _POLICY
        + "CREATE VIEW ids WITH (security_invoker = true) AS SELECT id FROM notes;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        invoker = options_of(here.node.get("options")).get("security_invoker", False)
        if str(invoker).lower() in ("true", "on", "1", "yes") or _made_invoker(here):
            return
        for key in here.state.relations_in(here.node["query"]):
            if here.relation(key).row_security:
                yield self.found(
                    here,
                    f"The view reads {short(key)} as its owner: the policies of {short(key)} don't"
                    " hold for whoever reads the view.",
                    "CREATE VIEW … WITH (security_invoker = true) AS …;",
                    key,
                )
                return


def _made_invoker(here: Here) -> bool:
    view = here.state.key_of_range(here.node["view"], create=True)
    for _, kind, node in here.following("security_invoker"):
        if kind == "AlterTableStmt" and here.state.key_of_range(node["relation"]) == view:
            for item in node.get("cmds", ()):
                command = fields_of(item)
                if command["subtype"] == "AT_SetRelOptions":
                    options = command["def"]["List"]["items"]
                    if "security_invoker" in options_of(options):
                        return True
    return False


class PolicyWithoutRowSecurity(Rule):
    """A table gets a policy while its row security is off."""

    severity = "warning"
    on = ("CreatePolicyStmt",)
    why = "Policies do nothing until the table has ROW LEVEL SECURITY enabled: everybody sees all."
    safe = "ALTER TABLE … ENABLE ROW LEVEL SECURITY, in the same transaction."
    bad = _NOTES + _POLICY.strip()
    good = _SECURED + _POLICY.strip()

    def at_end(self, there: There) -> Iterator[Finding]:
        told = set()
        for seen in there.of("CreatePolicyStmt"):
            key = there.state.key_of_range(seen.node["table"])
            relation = there.state.relation(key)
            if relation is None or not relation.known or relation.row_security or key in told:
                continue
            if any(there.state.assume(above).row_security for above in there.state.ancestors(key)):
                continue
            if there.direction == "downgrade" or not relation.policies:
                continue
            if set(there.before.assume(key).policies):
                continue  # said when the first one came
            if any(seen.kind == "DoStmt" for seen in there.seen):
                continue  # a loop over the tables that enables it is common there
            told.add(key)
            yield self.found(
                seen,
                f"Row security of {short(key)} is off: the policy does nothing.",
                f"ALTER TABLE {short(key)} ENABLE ROW LEVEL SECURITY;",
                key,
            )


class RowSecurityWithoutPolicy(Rule):
    """Row security is enabled on a table in use that has no policy."""

    severity = "warning"
    on = ("AT_EnableRowSecurity", "AT_ForceRowSecurity")
    why = (
        "Without a policy row security lets nothing through: every role but the owner and those"
        " with BYPASSRLS sees an empty table and can't insert."
    )
    safe = "Create the policies first, then enable, in one transaction."
    bad = _TIMEOUT + "ALTER TABLE orders ENABLE ROW LEVEL SECURITY;"
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nCREATE POLICY all_rows ON orders FOR SELECT"
        " USING (true);\nALTER TABLE orders ENABLE ROW LEVEL SECURITY;\nCOMMIT;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        if any(seen.kind == "DoStmt" for seen in there.seen):
            return
        for seen in there.of("AlterTableStmt"):
            wanted = {fields_of(item)["subtype"] for item in seen.node.get("cmds", ())}
            if not wanted & {"AT_EnableRowSecurity", "AT_ForceRowSecurity"}:
                continue
            key = there.state.key_of_range(seen.node["relation"])
            relation = there.state.relation(key)
            if relation is None or not relation.known or relation.policies:
                continue
            if relation.born == there.state.unit or not relation.row_security:
                continue
            yield self.found(
                seen,
                f"{short(key)} has no policy: for every role but its owner it is empty from here"
                " on.",
                f"CREATE POLICY … ON {short(key)} USING (…);  -- before it is enabled",
                key,
            )


class RowSecurityDisabled(Rule):
    """Row security of a table in use is turned off."""

    severity = "warning"
    on = ("AT_DisableRowSecurity", "AT_NoForceRowSecurity")
    why = "Whoever may read the table sees every row at once, other tenants' included."
    safe = "Widen a policy for the role that needs it, or give that role BYPASSRLS."
    bad = (
        _TIMEOUT + "ALTER TABLE customers ENABLE ROW LEVEL SECURITY;  -- in an earlier release\n"
        "ALTER TABLE customers DISABLE ROW LEVEL SECURITY;"
    )
    good = _TIMEOUT + "ALTER POLICY own ON customers USING (id = tenant());"

    def check(self, here: Here) -> Iterator[Finding]:
        if any(here.commands(*self.on)) and not _undoes(here, "AT_EnableRowSecurity"):
            key = here.table()
            if here.relation(key).known and not here.relation(key).row_security:
                return
            yield self.found(
                here,
                f"Every role with a grant on {short(key)} sees all of its rows from here on.",
                f"CREATE POLICY … ON {short(key)} TO the_role USING (…);",
                key,
            )


def _undoes(here: Here, subtype: str) -> bool:
    return any(
        kind == "AlterTableStmt"
        and here.state.key_of_range(node["relation"]) == here.table()
        and any(fields_of(item)["subtype"] == subtype for item in node.get("cmds", ()))
        for kind, node in here.upgrade
    )


class PolicyAlwaysTrue(Rule):
    """A policy lets everybody change every row."""

    severity = "warning"
    on = ("CreatePolicyStmt",)
    why = (
        "Permissive policies are joined by OR: one that is always true for everybody opens the"
        " table for that command, whatever the others say."
    )
    safe = "Say whose rows, USING (owner = current_user), or for which role, TO …"
    bad = _SECURED + "CREATE POLICY own ON notes FOR DELETE USING (true);"
    good = _SECURED + "CREATE POLICY own ON notes FOR DELETE USING (owner = current_user);"

    def check(self, here: Here) -> Iterator[Finding]:
        node = here.node
        roles = [fields_of(role) for role in node.get("roles", ())]
        public = not roles or any(role.get("roletype") == "ROLESPEC_PUBLIC" for role in roles)
        if not public or not _is_permissive(node) or node["cmd_name"] in ("select", "insert"):
            return
        if constant(node.get("qual")) is True:
            key = here.state.key_of_range(node["table"])
            what = {"update": "change", "delete": "delete"}.get(node["cmd_name"], "change")
            yield self.found(
                here,
                f"With this policy every role that has the grant may {what} every row of"
                f" {short(key)}.",
                f"CREATE POLICY {node['policy_name']} ON {short(key)} … USING (owner ="
                " current_user);",
                key,
            )


def _is_permissive(node: Node) -> bool:
    """PostgreSQL's tree leaves out what is false, and RESTRICTIVE is ``permissive: false``."""
    return bool(node.get("permissive"))


class PolicyReadsItsTable(Rule):
    """A policy for SELECT (or ALL) queries the table that it guards."""

    on = ("CreatePolicyStmt",)
    why = (
        "The query in the policy is itself subject to the policy: PostgreSQL stops with"
        ' "infinite recursion detected in policy" at the first query on the table.'
    )
    safe = "A SECURITY DEFINER function that looks the membership up, called in the policy."
    bad = (
        _SECURED + "CREATE POLICY own ON notes USING"
        " (id IN (SELECT n.id FROM notes n WHERE n.owner = current_user));"
    )
    good = _SECURED + _POLICY.strip()

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["cmd_name"] not in ("all", "select"):
            return  # under it only the policies for SELECT hold
        key = here.state.key_of_range(here.node["table"])
        parts = {part: here.node.get(part) for part in ("qual", "with_check")}
        if key in here.state.relations_in(parts):
            yield self.found(
                here,
                f"Every query on {short(key)} fails with infinite recursion: the policy reads"
                f" {short(key)} itself.",
                self.safe,
                key,
            )


class PolicyTakesRowsAway(Rule):
    """A table in use loses a policy, or gets a restrictive one."""

    severity = "warning"
    on = ("OBJECT_POLICY", "CreatePolicyStmt")
    why = (
        "The running release loses the rows that the policy let through, or that the restrictive"
        " one holds back: they read as not there, and writes to them fail or do nothing."
    )
    safe = "The new policy first; the old one goes when the running release needs it no more."
    bad = (
        _TIMEOUT + "ALTER TABLE customers ENABLE ROW LEVEL SECURITY;\n"
        "CREATE POLICY near ON customers AS RESTRICTIVE USING (city = 'Kyoto');"
    )
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\n"
        "ALTER TABLE customers ENABLE ROW LEVEL SECURITY;\nDROP POLICY own ON customers;\n"
        "CREATE POLICY own ON customers USING (id = tenant() OR id = 0);\nCOMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind == "CreatePolicyStmt":
            key = here.state.key_of_range(here.node["table"])
            holds = here.relation(key).row_security and not here.is_new(key)
            if holds and not _is_permissive(here.node):
                yield self._tell(here, key, "holds back rows")
            return
        if here.node["removeType"] != "OBJECT_POLICY" or here.is_downgrade:
            return
        for item in here.node["objects"]:
            path = path_of(item)
            key = here.state.key_of(path[:-1])
            relation = here.state.relation(key)
            if relation is None or path[-1] not in relation.policies:
                continue
            if here.is_new(key) or not relation.row_security:
                continue
            others = _others(here, path[-2])
            if not any(_table_of_policy(here, *each) == key for each in others):
                yield self._tell(here, key, "no longer lets through rows")

    def _tell(self, here: Here, key: str, what: str) -> Finding:
        return self.found(
            here,
            f"This {what} of {short(key)} that the running release may need.",
            f"CREATE POLICY … ON {short(key)} …;  -- what is to hold instead, in this transaction",
            key,
        )


def _others(here: Here, table: str) -> Iterator[tuple[str, Node]]:
    """The other statements of the unit in which a table is named."""
    for _, kind, node in here.following(table):
        yield kind, node
    for seen in here.so_far:
        yield seen.kind, seen.node


def _table_of_policy(here: Here, kind: str, node: Node) -> str | None:
    if kind in ("CreatePolicyStmt", "AlterPolicyStmt"):
        return here.state.key_of_range(node["table"])
    if kind == "DropStmt" and node["removeType"] == "OBJECT_TABLE":
        return next((here.state.key_of(path_of(item)) for item in node["objects"]), None)
    if kind == "AlterTableStmt":
        subtypes = {fields_of(item)["subtype"] for item in node.get("cmds", ())}
        if "AT_DisableRowSecurity" in subtypes:
            return here.state.key_of_range(node["relation"])
    return None
