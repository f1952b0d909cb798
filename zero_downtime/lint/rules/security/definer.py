"""Functions that run with their owner's rights, and functions in languages that may do all."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.sql.tree import Node, fields_of, names_of, options_of, path_of

_FUNCTION = "RETURNS bigint LANGUAGE sql SECURITY DEFINER"
_BODY = "AS 'SELECT count(*) FROM public.orders'"


class SecurityDefinerWithoutSearchPath(Rule):
    """A SECURITY DEFINER function doesn't fix its search_path."""

    severity = "warning"
    on = ("CreateFunctionStmt", "AlterFunctionStmt")
    why = (
        "The function runs with its owner's rights, but finds tables and functions by the caller's"
        " search_path: whoever may create a temporary table can put his own in their place."
    )
    safe = "SET search_path = '' on the function, and names with their schema in its body."
    bad = f"CREATE FUNCTION order_count() {_FUNCTION} {_BODY};"
    good = f"CREATE FUNCTION order_count() {_FUNCTION} SET search_path = '' {_BODY};"

    def check(self, here: Here) -> Iterator[Finding]:
        options = here.node.get("options") or here.node.get("actions")
        if not _is_definer(options) or _sets_search_path(options) or "sql_body" in here.node:
            return
        name = _name(here.node)
        if here.kind == "AlterFunctionStmt" or not _set_later(here, name):
            yield self.found(
                here,
                f"{name} runs with its owner's rights in the search_path of whoever calls it.",
                f"ALTER FUNCTION {name} SET search_path = '';  -- and schema.name in the body",
            )


def _is_definer(options: list[Node] | None) -> bool:
    return options_of(options).get("security") is True


def _sets_search_path(options: list[Node] | None) -> bool:
    for item in options or ():
        fields = fields_of(item)
        if fields["defname"] == "set" and fields_of(fields["arg"]).get("name") == "search_path":
            return True
    return False


def _name(node: Node) -> str:
    names = names_of(node["funcname"]) if "funcname" in node else path_of({"O": node["func"]})
    return ".".join(names or names_of(node.get("func", {}).get("objname")))


def _set_later(here: Here, name: str) -> bool:
    return any(
        kind == "AlterFunctionStmt"
        and _name(node).rpartition(".")[2] == name.rpartition(".")[2]
        and _sets_search_path(node.get("actions"))
        for _, kind, node in here.following("search_path")
    )


class SecurityDefinerForEveryone(Rule):
    """Everybody may execute a new SECURITY DEFINER function."""

    severity = "warning"
    default = False  # often meant so
    on = ("CreateFunctionStmt",)
    why = (
        "A new function may be executed by PUBLIC. One that runs with its owner's rights then gives"
        " these rights to every role that can connect."
    )
    safe = "REVOKE EXECUTE ON FUNCTION … FROM PUBLIC, and GRANT it to who needs it."
    bad = f"CREATE FUNCTION order_count() {_FUNCTION} SET search_path = '' {_BODY};"
    good = (
        f"CREATE FUNCTION order_count() {_FUNCTION} SET search_path = '' {_BODY};\n"
        "REVOKE EXECUTE ON FUNCTION order_count() FROM PUBLIC;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        names = (name for seen in there.of("GrantStmt") for name in _revoked(seen.node))
        revoked = {name.rpartition(".")[2] for name in names}
        for seen in there.of("CreateFunctionStmt"):
            returns = names_of(seen.node.get("returnType", {}).get("names"))
            name = _name(seen.node)
            if not _is_definer(seen.node.get("options")) or returns[-1:] in (
                ("trigger",),
                ("event_trigger",),
            ):
                continue
            if seen.node.get("replace") and name in there.before.functions:
                continue
            if not {name.rpartition(".")[2], "*"} & revoked:
                yield self.found(
                    seen,
                    f"Every role may execute {name}, and has its owner's rights inside.",
                    f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC;",
                )


def _revoked(node: Node) -> Iterator[str]:
    """The functions that a REVOKE … FROM PUBLIC names; * for all of a schema."""
    public = any(
        fields_of(role).get("roletype") == "ROLESPEC_PUBLIC" for role in node.get("grantees", ())
    )
    if node.get("is_grant") or not public:
        return
    if node.get("objtype") in ("OBJECT_FUNCTION", "OBJECT_ROUTINE", "OBJECT_PROCEDURE"):
        if node.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
            yield "*"
        for item in node.get("objects", ()) if node.get("targtype") == "ACL_TARGET_OBJECT" else ():
            yield ".".join(path_of(item))


class UntrustedLanguage(Rule):
    """A function or extension brings code that may do on the server whatever the server may."""

    severity = "warning"
    on = ("CreateFunctionStmt", "CreateExtensionStmt")
    why = (
        "plpython3u, plperlu and pltclu have no walls: their functions read files and open"
        " connections as the user postgres runs as. Managed services refuse them, and only a"
        " superuser can create them, which a migration should not need to be."
    )
    safe = "plpgsql or SQL in the database; the rest in the application."
    bad = "CREATE EXTENSION plpython3u;"
    good = "CREATE EXTENSION pg_trgm;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind == "CreateExtensionStmt":
            language = here.node["extname"]
        else:
            language = str(options_of(here.node.get("options")).get("language", ""))
        if language.lower() in _UNTRUSTED:
            yield self.found(
                here,
                f"{language} is untrusted: code in it can do what the server's own user can, and"
                " only a superuser may create it.",
                self.safe,
            )


_UNTRUSTED = frozenset({"plpythonu", "plpython2u", "plpython3u", "plperlu", "pltclu", "plsh"})


class ExtensionInPublic(Rule):
    """An extension's functions and types go into the schema public."""

    severity = "warning"
    default = False
    on = ("CreateExtensionStmt",)
    why = (
        "Extensions in public mix with the application's objects, and their functions are offered"
        " by every tool that exposes public."
    )
    safe = "CREATE SCHEMA extensions, and the extension in it."
    bad = "CREATE EXTENSION pg_trgm;"
    good = "CREATE EXTENSION pg_trgm SCHEMA extensions;"

    def check(self, here: Here) -> Iterator[Finding]:
        schema = options_of(here.node.get("options")).get("schema", here.state.search_path[:1])
        if schema in ("public", ("public",)) and here.node["extname"] != "plpgsql":
            yield self.found(
                here,
                f"{here.node['extname']} puts its functions and types into public.",
                f"CREATE EXTENSION {here.node['extname']} SCHEMA extensions;",
            )
