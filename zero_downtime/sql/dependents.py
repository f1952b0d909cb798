"""What hangs on a column or function: views, policies, defaults, checks that name it."""

from __future__ import annotations

from zero_downtime.sql.facts import Relation, Rule
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, columns_in, tagged, text_of, walk


def dependents_on(state: Known, key: str, column: str) -> list[str]:
    """What falls with a column: views that read it (and views of those), policies of tables."""
    columns = {column, *_generated_from(state.assume(key), column)}
    found: list[str] = []
    for relation in state.naming(key):
        if key in relation.reads and _mentions(state, relation.query, key, columns):
            found += [relation.key, *state.readers(relation.key)]
        elif _hangs_on(state, relation, key, columns):
            found.append(relation.key)
    return found


def _hangs_on(state: Known, relation: Relation, key: str, columns: set[str]) -> bool:
    """Whether a policy or rule of a relation names one of these columns of a table."""
    rules = relation.rules.values()
    return any(_mentions(state, each, key, columns) for each in relation.policies.values()) or any(
        key in rule.reads and _writes(rule, columns) for rule in rules
    )


def _writes(rule: Rule, columns: set[str]) -> bool:
    """Whether a rule names a column, or inserts without naming any."""
    for kind, fields in walk([rule.condition or {}, *rule.actions]):
        if kind == "ColumnRef" and text_of(fields["fields"][-1]) in columns:
            return True
        if kind == "ResTarget" and fields.get("name") in columns:
            return True
        if kind == "InsertStmt" and "cols" not in fields:
            return True
    return False


def _generated_from(relation: Relation, column: str) -> list[str]:
    return [
        each.name
        for each in relation.columns.values()
        if each.generated and column in columns_in(each.default)
    ]


def _mentions(state: Known, expression: Node | None, key: str, columns: set[str]) -> bool:
    """Whether a query or policy names one of these columns of a table."""
    names: dict[str, str] = {}
    for _, fields in walk(expression):
        if "relname" in fields:
            alias = fields.get("alias", {}).get("aliasname", fields["relname"])
            names[alias] = state.key_of_range(fields)
    if key not in names.values():
        return False
    for fields in tagged(expression, "ColumnRef"):
        *table, last = fields["fields"]
        if table and names.get(text_of(table[-1])) != key:
            continue
        if "A_Star" in last or text_of(last) in columns:
            return True
    return False
