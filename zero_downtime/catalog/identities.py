"""What a statement of a dump is about: the kind and the name of its object."""

from __future__ import annotations

import re

from zero_downtime.catalog.facts import Identity
from zero_downtime.catalog.statement import Node, Text, after_is, dotted, relation_of
from zero_downtime.postgres.names import qualified, quoted

_INSIDE_A_RELATION = {
    "CreateTrigStmt": ("trigger", "trigname", "relation"),
    "CreatePolicyStmt": ("policy", "policy_name", "table"),
    "RuleStmt": ("rule", "rulename", "relation"),
}
_KIND_WORDS = re.compile(r"(?:[A-Z]+ )+")


def identity_of(kind: str, node: Node, text: Text, header: tuple[str, str, str]) -> Identity:
    """What a statement is about that makes or alters one object as a whole.

    The dump's own header names the kind, so that whatever kinds PostgreSQL has, a difference in
    them is seen. The name is what DROP takes.
    """
    name, type_, schema = header
    what = type_.lower()
    schema = "" if schema == "-" else schema
    if kind == "ViewStmt":
        return Identity("view", relation_of(node["view"]))
    if kind in _INSIDE_A_RELATION:
        what, name_key, relation_key = _INSIDE_A_RELATION[kind]
        return Identity(what, quoted(node[name_key]), of=relation_of(node[relation_key]))
    if kind == "CreateSeqStmt":
        return Identity("sequence", relation_of(node["sequence"]))
    if kind == "AlterSeqStmt":
        return Identity("sequence owner", relation_of(node["sequence"]))
    if kind == "GrantStmt":
        return _granted(node, text)
    if kind == "AlterDefaultPrivilegesStmt":
        return Identity("default privileges", f"{name} in {schema or 'all schemas'}")
    if kind == "AlterOwnerStmt":
        return Identity("owner", _owned(node, text, what, qualified(schema, name)))
    if kind == "AlterPublicationStmt":
        member = node["pubobjects"][0]["PublicationObjSpec"]
        publication = quoted(node["pubname"])
        if "pubtable" in member:
            table = relation_of(member["pubtable"]["relation"])
            return Identity("publication table", table, of=publication)
        return Identity("publication schema", quoted(member["name"]), of=publication)
    if kind == "CreateFunctionStmt":
        bare = node["funcname"][-1]["String"]["sval"]
        return Identity(what, qualified(schema, bare) + name[len(bare) :])
    if kind == "DefineStmt" and node["kind"] == "OBJECT_AGGREGATE":
        bare = node["defnames"][-1]["String"]["sval"]
        return Identity(what, qualified(schema, bare) + name[len(bare) :])
    if kind == "DefineStmt" and node["kind"] == "OBJECT_OPERATOR":
        return Identity(what, f"{quoted(schema)}.{name} ({_operands(node, text)})")
    if kind in ("CreateOpClassStmt", "CreateOpFamilyStmt", "AlterOpFamilyStmt"):
        return Identity(what, f"{qualified(schema, name)} USING {quoted(node['amname'])}")
    if what in ("cast", "transform"):
        return Identity(what, name.removeprefix(f"{type_} "))
    if what == "user mapping":
        mapping = re.match(r"CREATE USER MAPPING (FOR .+? SERVER \S+)", text.sql)
        return Identity(what, mapping[1] if mapping else name)
    return Identity(what, qualified(schema, name))


def _owned(node: Node, text: Text, what: str, name: str) -> str:
    """What ALTER … OWNER TO is about: ``function shop.f(integer)``."""
    ((kind, thing),) = node["object"].items()
    if kind == "ObjectWithArgs" and what != "operator":
        return f"{what} {_routine(thing, text)}"
    words = text.sql.partition(" OWNER TO ")[0].removeprefix("ALTER ")
    known = _KIND_WORDS.match(words)
    return f"{what} {words[known.end() :]}" if known else f"{what} {name}"


def _operands(node: Node, text: Text) -> str:
    types = {"leftarg": "NONE", "rightarg": "NONE"}
    for entry in node["definition"]:
        element = entry["DefElem"]
        if element["defname"] in types:
            types[element["defname"]] = text.type_at(element["arg"]["TypeName"]["location"])
    return ", ".join(types.values())


def _routine(node: Node, text: Text) -> str:
    """A function by the types of its arguments, from a statement that names the arguments too."""
    types = (text.type_at(entry["TypeName"]["location"]) for entry in node.get("objargs", ()))
    return f"{dotted(node['objname'])}({', '.join(types)})"


def _granted(node: Node, text: Text) -> Identity:
    """What a GRANT is about: ``table privileges public.orders``."""
    what = node["objtype"].removeprefix("OBJECT_").replace("_", " ").lower()
    ((kind, thing),) = node["objects"][0].items()
    if kind == "RangeVar":
        name = relation_of(thing)
        columns = node.get("privileges", [{}])[0].get("AccessPriv", {}).get("cols")
        if columns:
            return Identity("column privileges", dotted(columns), of=name)
    elif kind == "ObjectWithArgs":
        name = _routine(thing, text)
    elif kind == "List":
        name = dotted(thing["items"])
    else:
        name = quoted(thing["sval"])
    return Identity(f"{what} privileges", name)


def commented(node: Node, text: Text) -> Identity:
    """What a COMMENT is about: ``view comment public.recent``, ``column comment total``."""
    what = node["objtype"].removeprefix("OBJECT_").lower()
    what = {"tabconstraint": "constraint", "domconstraint": "domain constraint"}.get(what, what)
    ((kind, thing),) = node["object"].items()
    if node["objtype"] == "OBJECT_DOMCONSTRAINT":
        domain, constraint = thing["items"]
        name = quoted(constraint["String"]["sval"])
        return Identity(f"{what} comment", name, of=dotted(domain["TypeName"]["names"]))
    if what in ("column", "constraint", "trigger", "policy", "rule"):
        *relation, last = (item["String"]["sval"] for item in thing["items"])
        return Identity(f"{what} comment", quoted(last), of=qualified(*relation))
    # The rest is named as the statement names it.
    named = text.sql.removeprefix("COMMENT ON ").removesuffix(after_is(text.sql))
    words = _KIND_WORDS.match(named)
    what, name = (words[0], named[words.end() :]) if words else ("", named)
    if kind == "ObjectWithArgs" and what != "OPERATOR ":
        name = _routine(thing, text)
    return Identity(f"{what.lower()}comment", name.rstrip().removesuffix(" IS"))
