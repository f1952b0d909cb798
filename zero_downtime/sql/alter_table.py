"""ALTER TABLE: the lock of each subcommand as data, and what those with conditions do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_partitions import (
    attach,
    change_owner,
    detach,
    inherit,
    rebuild_indexes,
    set_access_method,
    set_logged,
    set_tablespace,
)
from zero_downtime.sql.apply_tables import constraint_columns
from zero_downtime.sql.dependents import dependents_on
from zero_downtime.sql.facts import Column, Constraint, Index, Relation, is_never_kept
from zero_downtime.sql.foreign_keys import key_ends, referenced_columns, unlink
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.sequences import (
    call_sequences,
    column_sequences,
    default_sequences,
)
from zero_downtime.sql.subcommands import HEAVIEST, SUBCOMMANDS, is_light_parameter
from zero_downtime.sql.target import Target
from zero_downtime.sql.tree import (
    Node,
    columns_in,
    fields_of,
    names_of,
)
from zero_downtime.sql.types import CITEXT, SERIAL_TYPES, Change, change_of

AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
_IDENTITY = ("AT_AddIdentity", "AT_SetIdentity", "AT_DropIdentity")  # of partitions: from 17 on


def alter_table(p: Prediction, node: Node) -> None:
    """The effect of ALTER TABLE (VIEW, SEQUENCE, …), all its subcommands taken together."""
    if node.get("objtype") == "OBJECT_TYPE":
        _alter_composite(p, node)
        return
    key = p.state.key_of_range(node["relation"])
    commands = [fields_of(command) for command in node.get("cmds", ())]
    if node.get("objtype") == "OBJECT_INDEX" or key in p.state.indexes:
        _alter_index(p, key, commands)
        return
    if not p.state.exists(key):
        return
    mode = max((mode_of(p, command) for command in commands), default=AE)
    p.lock(key, mode)
    only = not node["relation"].get("inh")
    dropped = {c["name"] for c in commands if c["subtype"] == "AT_DropConstraint"}
    added = frozenset(_added_empty(commands)) if len(commands) > 1 else frozenset()
    undefaulted = frozenset(
        c["name"] for c in commands if c["subtype"] == "AT_ColumnDefault" and "def" not in c
    )
    for command in commands:
        form = SUBCOMMANDS.get(command["subtype"], HEAVIEST)
        if form.recurses or (
            command["subtype"] in _IDENTITY
            and p.major >= 17
            and p.relation(key).kind == "partitioned table"
        ):
            below = _mode_below(p, key, command, mode)
            if below and not only:
                p.lock(_below(p, key, command), below)
            elif below and command["subtype"] in _SEEN_BELOW:
                p.lock(p.state.children(key), below)  # they lose what they inherited
        effect = _EFFECTS.get(command["subtype"])
        if effect:
            effect(p, Target(key, command, mode, only, frozenset(dropped), added, undefaulted))
    if node.get("objtype") == "OBJECT_FOREIGN_TABLE":
        p.nothing_runs()  # its rows are elsewhere


def _added_empty(commands: list[Node]) -> Iterator[str]:
    """The columns that ALTER TABLE adds without a value for the rows that are there."""
    for command in commands:
        if command["subtype"] == "AT_AddColumn":
            definition = fields_of(command["def"])
            if _default_of(definition) is None and not _fills_itself(definition):
                yield definition.get("colname", "")


def _alter_composite(p: Prediction, node: Node) -> None:
    """ALTER TYPE … ATTRIBUTE … CASCADE alters the tables made of the type."""
    commands = [fields_of(command) for command in node.get("cmds", ())]
    if any(command.get("behavior") != "DROP_CASCADE" for command in commands):
        return
    for table in p.state.typed_tables(
        p.state.type_key(p.state.path_of_range(node["relation"])) or ""
    ):
        schema, _, name = table.partition(".")
        there = {"schemaname": schema, "relname": name, "inh": True}
        alter_table(p, {**node, "relation": there, "objtype": "OBJECT_TABLE"})


def mode_of(p: Prediction, command: Node) -> LockMode:
    """The lock that one subcommand needs on the table itself."""
    subtype = command["subtype"]
    if subtype == "AT_AddConstraint":
        return SRE if fields_of(command["def"])["contype"] == "CONSTR_FOREIGN" else AE
    if subtype in ("AT_SetRelOptions", "AT_ResetRelOptions"):
        names = [fields_of(item)["defname"] for item in command["def"]["List"]["items"]]
        return SUE if all(map(is_light_parameter, names)) else AE
    if subtype == "AT_DetachPartition" and fields_of(command["def"]).get("concurrent"):
        return SUE
    return SUBCOMMANDS.get(subtype, HEAVIEST).mode


_SEEN_BELOW = ("AT_DropColumn", "AT_DropConstraint")


def _mode_below(p: Prediction, key: str, command: Node, mode: LockMode) -> LockMode | None:
    """The lock on partitions and children: mostly that of the table, and none for what stays."""
    relation = p.relation(key)
    if _is_done_above(relation, command, p.major):
        return None
    if command["subtype"] == "AT_DropConstraint":
        return mode if _falls_below(relation, command) else None
    if command["subtype"] == "AT_AlterConstraint":
        return None  # see its effect
    if "Trig" in command["subtype"]:
        return mode if _has_row_trigger(p.relation(key), command) else None
    if command["subtype"] != "AT_AddConstraint":
        return mode
    return mode if p.major >= 18 else _constraint_below(p, key, fields_of(command["def"]), mode)


def _below(p: Prediction, key: str, command: Node) -> list[str]:
    """The tables below that a subcommand comes to."""
    if command["subtype"] != "AT_AddColumn":
        return p.state.descendants(key)
    name = fields_of(command["def"]).get("colname", "")
    below: dict[str, None] = {}
    for child in p.state.children(key):
        below[child] = None
        if name not in p.relation(child).columns:  # else the columns are merged, and that is all
            below.update(dict.fromkeys(_below(p, child, command)))
    return list(below)


def _falls_below(relation: Relation, command: Node) -> bool:
    """Whether a constraint that is dropped has copies in the tables below."""
    constraint = relation.constraints.get(command["name"])
    if constraint is None:
        return not relation.known and "missing_ok" not in command
    if constraint.kind in ("check", "not null"):
        return not constraint.no_inherit
    return relation.kind == "partitioned table"


def _constraint_below(p: Prediction, key: str, constraint: Node, mode: LockMode) -> LockMode | None:
    """ADD CONSTRAINT up to 17, which locks below only where it does something."""
    if constraint["contype"] in ("CONSTR_CHECK", "CONSTR_NOTNULL"):
        return None if constraint.get("is_no_inherit") else mode
    if constraint["contype"] == "CONSTR_PRIMARY" and (
        p.relation(key).kind != "partitioned table" or _adds_not_null(p, key, constraint)
    ):
        return mode
    if p.relation(key).kind != "partitioned table":
        return None
    # The index of a constraint goes to partitions as CREATE INDEX does.
    return mode if constraint["contype"] == "CONSTR_FOREIGN" else LockMode.SHARE


def _is_done_above(relation: Relation, command: Node, major: int) -> bool:
    """What the parent has already is not looked for below it."""
    name = command.get("name", "")
    column, constraint = relation.columns.get(name), relation.constraints.get(name)
    if command["subtype"] == "AT_SetNotNull":
        looks = major < 18 and relation.kind != "partitioned table"
        return not looks and bool(column and column.not_null) and is_proven_not_null(relation, name)
    if command["subtype"] == "AT_DropNotNull":
        return major >= 18 and column is not None and not column.not_null
    if command["subtype"] == "AT_ValidateConstraint":
        return constraint is not None and constraint.valid
    return False


def _has_row_trigger(relation: Relation, command: Node) -> bool:
    """Partitions have copies of the row triggers of their parent, and of its foreign keys'."""
    if relation.kind != "partitioned table":
        return False
    if "name" in command:
        trigger = relation.triggers.get(command["name"])
        return trigger is None or trigger.row
    own = any(trigger.row for trigger in relation.triggers.values())
    return own or (command["subtype"].endswith("All") and bool(relation.foreign_keys()))


def _adds_not_null(p: Prediction, key: str, constraint: Node) -> bool:
    return constraint["contype"] == "CONSTR_PRIMARY" and not all(
        is_proven_not_null(p.relation(key), column) for column in constraint_columns(constraint)
    )


# Columns


def _add_column(p: Prediction, t: Target) -> None:
    definition = t.definition
    if definition.get("colname") in p.relation(t.key).columns:
        return
    add_column(p, t, definition)


def add_column(p: Prediction, t: Target, definition: Node) -> None:
    constraints = [fields_of(item) for item in definition.get("constraints", ())]
    kinds = {item["contype"] for item in constraints}
    tables = [t.key] if t.only else [t.key, *_below(p, t.key, t.command)]
    tables = [each for each in tables if definition.get("colname") not in p.relation(each).columns]
    if column_rewrites(p, definition):
        p.rewrite(tables)
        rebuild_indexes(p, tables)
    default = _default_of(definition)
    if column_rewrites(p, definition):
        call_sequences(p, default)
    virtual = any(item.get("generated_kind") == "v" for item in constraints)
    required = "CONSTR_NOTNULL" in kinds or "CONSTR_PRIMARY" in kinds
    if "CONSTR_CHECK" in kinds or (
        required and default is None and (virtual or not _fills_itself(definition))
    ):
        p.scan(tables)
    if kinds & {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}:
        p.build(_partitions(p, t))
    for constraint in constraints:
        if constraint["contype"] == "CONSTR_FOREIGN":
            parent = p.state.key_of_range(constraint["pktable"])
            p.lock(p.state.tree(parent), SRE)
            if default is not None:
                p.scan([*tables, *p.state.tree(parent)])


def _default_of(definition: Node) -> Node | None:
    for item in definition.get("constraints", ()):
        fields = fields_of(item)
        if fields["contype"] == "CONSTR_DEFAULT":
            value = fields.get("raw_expr")
            is_null = value and value.get("A_Const", {}).get("isnull")
            return None if is_null else value
    return None


def _fills_itself(definition: Node) -> bool:
    """Whether new values are made for the existing rows (which is a rewrite anyway)."""
    kinds = {fields_of(item)["contype"] for item in definition.get("constraints", ())}
    return bool(kinds & {"CONSTR_IDENTITY", "CONSTR_GENERATED"}) or _is_serial(definition)


def _is_serial(definition: Node) -> bool:
    names = names_of(definition.get("typeName", {}).get("names"))
    return bool(names) and names[-1] in SERIAL_TYPES


def column_rewrites(p: Prediction, definition: Node) -> bool:
    """Whether ADD COLUMN must write every row anew."""
    for item in definition.get("constraints", ()):
        fields = fields_of(item)
        if fields["contype"] == "CONSTR_GENERATED":
            return fields.get("generated_kind") != "v"
        if fields["contype"] == "CONSTR_IDENTITY":
            return True
    if _is_serial(definition):
        return True
    if p.state.is_constrained_domain(p.state.type_of(definition["typeName"])):
        return True
    default = _default_of(definition)
    return default is not None and p.state.volatility(default) != "not volatile"


def _column_default(p: Prediction, t: Target) -> None:
    p.lock(default_sequences(p, t.command.get("def")), LockMode.ACCESS_SHARE)


def _alter_type(p: Prediction, t: Target) -> None:
    name = t.command["name"]
    tables = t.tables(p)
    change = type_change(p, t.key, t.command)
    relation = p.relation(t.key)
    if name not in t.undefaulted:
        p.lock(column_sequences(p, t.key, name), LockMode.ACCESS_SHARE)
    if change != "none":
        p.rewrite(tables)
        rebuild_indexes(p, tables)
    elif relation.kind == "partitioned table" or _sorts_otherwise(p, t, relation.columns.get(name)):
        # Even when no row changes: indexes of partitions are not kept as those of tables are.
        p.build(each for each in tables if _indexed(p, each, name))
    else:
        p.build(each for each in tables if _indexed(p, each, name, is_never_kept))
    for each in tables:
        table = p.relation(each)
        checks = (c for c in table.constraints.values() if c.kind == "check" and c.valid)
        if any(name in c.columns for c in checks):
            p.scan(each)
        _lock_partners_of_column(p, t, each, name, rechecked=change != "none")
    if relation.columns.get(name) and relation.columns[name].identity:
        for sequence in p.state.owned_sequences(t.key, name):
            p.lock(sequence, SRE)
            p.rewrite(sequence, reads=False)


def type_change(p: Prediction, key: str, command: Node) -> Change:
    """What ALTER COLUMN … TYPE does to the rows: nothing, a rewrite, or by the time zone."""
    definition = fields_of(command["def"])
    column = p.relation(key).columns.get(command["name"])
    new = p.state.type_of(definition["typeName"])
    if not using_is_plain(definition.get("raw_default"), command["name"]):
        return "rewrite"
    if column is None:
        return "rewrite"
    if column.generated == "virtual":
        return "none"
    if (new.array or column.type.array) and new.name != column.type.name:
        return "rewrite"  # elements are converted one by one, even to a domain over their type
    if new != column.type and p.state.is_constrained_domain(new):
        return "rewrite"
    old = p.state.base_type(column.type)
    if column.type not in (old, new):
        old = replace(old, modifiers=())  # the length of a domain's base type is not looked at
    change = change_of(old, p.state.base_type(new))
    if change == "session":
        return "none" if (p.state.time_zone or "").upper() in _UTC else "rewrite"
    return change


_UTC = frozenset({"UTC", "GMT", "ETC/UTC", "ETC/GMT", "UCT", "ZULU", "UNIVERSAL", "GREENWICH"})


def using_is_plain(expression: Node | None, column: str) -> bool:
    """Whether USING only names the column, perhaps with a cast, which is what its absence means."""
    if not expression:
        return True
    while "TypeCast" in expression:
        expression = expression["TypeCast"]["arg"]
    return columns_in(expression) == {column} and "ColumnRef" in expression


def _sorts_otherwise(p: Prediction, t: Target, column: Column | None) -> bool:
    """Whether indexes on a column whose values stay don't: what COLLATE does not repeat is lost."""
    if column is None:
        return "collClause" in t.definition
    old, new = p.state.base_type(column.type), p.state.type_of(t.definition["typeName"])
    if (old.name in CITEXT) != (p.state.base_type(new).name in CITEXT):
        return True
    return _usual(column.collation) != _usual(collation_of(t.definition))


def collation_of(definition: Node) -> str | None:
    """The collation that a ColumnDef names."""
    named = names_of(definition.get("collClause", {}).get("collname"))
    return named[-1] if named else None


def _usual(collation: str | None) -> str | None:
    return None if collation == "default" else collation


def _indexed(
    p: Prediction, key: str, column: str, which: Callable[[Index], bool] = lambda index: True
) -> bool:
    indexes = p.state.indexes_of(key)
    return any(column in index.used_columns and which(index) for index in indexes)


def _partners(
    p: Prediction, key: str, own: Callable[[Constraint], bool], other: Callable[[Constraint], bool]
) -> tuple[list[Constraint], list[str]]:
    """A table's own foreign keys of some kind, and the tables with such keys that point to it."""
    keys = [c for c in p.relation(key).foreign_keys() if c.references and own(c)]
    pointing = []
    for child in p.state.referencing(key):
        constraints = p.relation(child).foreign_keys()
        if any(c.references == key and other(c) for c in constraints):
            pointing.append(child)
    return keys, pointing


def _lock_partners_of_column(
    p: Prediction, t: Target, key: str, column: str, rechecked: bool
) -> None:
    """The foreign keys of a column are dropped and made anew with its type."""
    keys, pointing = _partners(
        p,
        key,
        lambda c: column in c.columns,
        lambda c: column in referenced_columns(p, c),
    )
    for constraint in keys:
        references = str(constraint.references)
        p.lock(p.state.tree(references), SRE)
        if constraint.enforced:
            p.lock(key_ends(p, references), AE)
            if rechecked and constraint.valid:
                p.scan([key, *p.state.tree(references)])
    for child in pointing:
        p.lock(p.state.tree(child), AE)
        if rechecked:
            p.scan([key, *p.state.tree(child)])


def _set_not_null(p: Prediction, t: Target) -> None:
    name = t.command["name"]
    for each in t.tables(p):
        if not is_proven_not_null(p.relation(each), name, t.dropped):
            p.scan(each)


def is_proven_not_null(
    relation: Relation, column: str, dropped: frozenset[str] = frozenset()
) -> bool:
    """Whether SET NOT NULL finds its proof in the catalog and reads no row.

    A constraint that the same ALTER TABLE drops is gone before the proof is looked for.
    """
    constraints = [c for c in relation.constraints.values() if c.name not in dropped]
    unproven = any(
        c.kind == "not null" and c.columns == (column,) and not c.valid for c in constraints
    )
    facts = relation.columns.get(column)
    if facts and facts.not_null and not unproven:
        return True
    return any(c.proves_not_null(column) for c in constraints)


def _set_expression(p: Prediction, t: Target) -> None:
    column = p.relation(t.key).columns.get(t.command["name"])
    if column is None or column.generated != "virtual":
        p.rewrite(t.tables(p))
        rebuild_indexes(p, t.tables(p))


def _drop_column(p: Prediction, t: Target) -> None:
    name = t.command["name"]
    cascade = t.command.get("behavior") == "DROP_CASCADE"
    for each in t.tables(p):
        p.lock(p.state.owned_sequences(each, name), AE)
        keys, pointing = _partners(
            p,
            each,
            lambda c: name in c.columns,
            lambda c: cascade and name in referenced_columns(p, c),
        )
        unlink(p, keys)
        for child in pointing:
            p.lock(p.state.tree(child), AE)
    if cascade:
        p.lock(dependents_on(p.state, t.key, name), AE)


def _identity(p: Prediction, t: Target) -> None:
    p.lock(p.state.owned_sequences(t.key, t.command["name"]), AE)


def _set_identity(p: Prediction, t: Target) -> None:
    options = {fields_of(item)["defname"] for item in t.command["def"]["List"]["items"]}
    for sequence in p.state.owned_sequences(t.key, t.command["name"]):
        p.lock(sequence, SRE)
        if options - {"generated"}:
            p.rewrite(sequence, reads=False)


# Constraints


def _add_constraint(p: Prediction, t: Target) -> None:
    add_constraint(p, t, t.definition)


def add_constraint(p: Prediction, t: Target, constraint: Node) -> None:
    kind = constraint["contype"]
    checked = not constraint.get("skip_validation") and constraint.get("is_enforced", True)
    tables = [t.key] if constraint.get("is_no_inherit") else t.tables(p)
    if kind == "CONSTR_CHECK" and checked:
        p.scan(tables)
    elif kind == "CONSTR_NOTNULL" and checked:
        column = constraint_columns(constraint)[0]
        p.scan(each for each in tables if not is_proven_not_null(p.relation(each), column))
    elif kind == "CONSTR_FOREIGN":
        parent = p.state.key_of_range(constraint["pktable"])
        p.lock(p.state.tree(parent), SRE)
        if checked:
            new = t.added >= set(constraint_columns(constraint))  # nothing but NULLs
            if not _all_partitions_refer(p, t, constraint, parent):
                p.scan([*_partitions(p, t), *(() if new else p.state.tree(parent))])
    elif kind in ("CONSTR_UNIQUE", "CONSTR_EXCLUSION", "CONSTR_PRIMARY"):
        _add_index_constraint(p, t, constraint, kind)


def _all_partitions_refer(p: Prediction, t: Target, constraint: Node, parent: str) -> bool:
    """Whether each partition has this foreign key already, validated: it becomes the parent's."""
    if p.relation(t.key).kind != "partitioned table":
        return False
    wanted = (tuple(constraint_columns(constraint)), parent)
    below = [p.relation(each) for each in t.tables(p) if each != t.key]
    leaves = [each for each in below if each.kind != "partitioned table"]
    return bool(leaves) and all(
        any(
            (key.columns, key.references) == wanted and key.valid and not key.inherited
            for key in leaf.foreign_keys()
        )
        for leaf in leaves
    )


def _partitions(p: Prediction, t: Target) -> list[str]:
    """The table with its partitions, but without inheritance children."""
    return t.tables(p) if p.relation(t.key).kind == "partitioned table" else [t.key]


def _add_index_constraint(p: Prediction, t: Target, constraint: Node, kind: str) -> None:
    tables = _partitions(p, t)
    if "indexname" not in constraint:
        p.build(tables)
        if _adds_not_null(p, t.key, constraint):
            p.scan(t.tables(p))
        return
    index = p.state.indexes.get(f"{p.relation(t.key).schema}.{constraint['indexname']}")
    columns = [c for c in index.columns if c] if index else []
    if kind == "CONSTR_PRIMARY" and any(
        not is_proven_not_null(p.relation(t.key), c, t.dropped) for c in columns
    ):
        p.scan(t.key)


def _find_constraint(p: Prediction, t: Target) -> Constraint | None:
    return p.relation(t.key).constraints.get(t.command["name"])


def _validate(p: Prediction, t: Target) -> None:
    constraint = _find_constraint(p, t)
    if constraint and constraint.valid:
        return
    p.scan(t.tables(p))
    if constraint and constraint.references:
        parents = p.state.tree(constraint.references)
        p.lock(parents, LockMode.ROW_SHARE)
        p.scan(parents)


def _alter_constraint(p: Prediction, t: Target) -> None:
    """ENFORCED and NOT ENFORCED make or remove the triggers at the other end as well."""
    said = t.definition
    relation = p.relation(t.key)
    constraint = relation.constraints.get(str(said.get("conname")))
    if said.get("alterInheritability"):
        p.lock(p.state.children(t.key), t.mode)
        return
    if constraint is None or not constraint.references:
        return
    if relation.kind == "partitioned table":
        p.lock(p.state.descendants(t.key), t.mode)
    enforced = bool(said.get("is_enforced"))
    if said.get("alterEnforceability") and enforced != constraint.enforced:
        parents = p.state.tree(constraint.references)
        p.lock(parents, SRE if enforced else AE)
        if enforced:
            p.scan([*t.tables(p), *parents])


def _drop_constraint(p: Prediction, t: Target) -> None:
    constraint = _find_constraint(p, t)
    if constraint is None:
        return
    unlink(p, [constraint])
    if constraint.references:
        p.lock(constraint.references, AE)
    if constraint.index and t.command.get("behavior") == "DROP_CASCADE":
        for child in p.state.referencing(t.key):
            pointing = (c for c in p.relation(child).foreign_keys() if c.references == t.key)
            if any(referenced_columns(p, c) == constraint.columns for c in pointing):
                p.lock([*p.state.tree(child), *p.state.tree(t.key)], AE)


_EFFECTS: Mapping[str, Callable[[Prediction, Target], None]] = {
    "AT_AddColumn": _add_column,
    "AT_DropColumn": _drop_column,
    "AT_AlterColumnType": _alter_type,
    "AT_SetNotNull": _set_not_null,
    "AT_SetExpression": _set_expression,
    "AT_DropIdentity": _identity,
    "AT_SetIdentity": _set_identity,
    "AT_AddConstraint": _add_constraint,
    "AT_ValidateConstraint": _validate,
    "AT_DropConstraint": _drop_constraint,
    "AT_AlterConstraint": _alter_constraint,
    "AT_ColumnDefault": _column_default,
    "AT_SetAccessMethod": set_access_method,
    "AT_SetTableSpace": set_tablespace,
    "AT_SetLogged": set_logged,
    "AT_SetUnLogged": set_logged,
    "AT_ChangeOwner": change_owner,
    "AT_AttachPartition": attach,
    "AT_DetachPartition": detach,
    "AT_AddInherit": inherit,
    "AT_DropInherit": inherit,
}


def _alter_index(p: Prediction, key: str, commands: list[Node]) -> None:
    """Indexes are not listed; attaching one opens the two tables."""
    for command in commands:
        if command["subtype"] == "AT_AttachPartition":
            child = p.state.key_of_range(fields_of(command["def"])["name"])
            for name in (key, child):
                index = p.state.indexes.get(name)
                if index:
                    p.lock(index.table, LockMode.ACCESS_SHARE)
