"""ALTER TABLE: storage, owner, partitions and inheritance."""

from __future__ import annotations

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply_indexes import same_index
from zero_downtime.sql.attach import bound_is_proven, default_is_proven
from zero_downtime.sql.foreign_keys import key_ends, point_to_partition
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.target import Target

AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE


# Storage


def set_access_method(p: Prediction, t: Target) -> None:
    """SET ACCESS METHOD writes the table anew, unless it has it already."""
    if p.relation(t.key).access_method != t.command.get("name", "heap"):
        p.rewrite(t.key)


def set_tablespace(p: Prediction, t: Target) -> None:
    """SET TABLESPACE copies the files, unless they are there already."""
    asked = t.command["name"].replace("pg_default", "")
    if p.relation(t.key).tablespace.replace("pg_default", "") != asked:
        p.rewrite(t.key, reads=False)


def set_logged(p: Prediction, t: Target) -> None:
    """SET LOGGED and SET UNLOGGED write the table anew, and from 15 on its sequences."""
    relation = p.relation(t.key)
    wanted = t.command["subtype"] == "AT_SetUnLogged"
    if relation.known and relation.unlogged == wanted:
        return
    p.rewrite(t.key)
    rebuild_indexes(p, [t.key])
    if p.major >= 15:
        sequences = p.state.owned_sequences(t.key)
        p.lock(sequences, AE)
        p.rewrite(sequences, reads=False)


def change_owner(p: Prediction, t: Target) -> None:
    """OWNER TO takes the sequences of the table along."""
    relation = p.relation(t.key)
    new = t.command.get("newowner", {}).get("rolename")
    same = new in (None, relation.owner)  # CURRENT_USER: who migrates is mostly who owns
    if not same or (new and not relation.known):
        p.lock(p.state.owned_sequences(t.key), AE)


# Partitions and inheritance


def attach(p: Prediction, t: Target) -> None:
    """ATTACH PARTITION."""
    child_key = p.state.key_of_range(t.definition["name"])
    child = p.relation(child_key)
    p.lock(p.state.tree(child_key), AE)
    p.lock(p.state.ancestors(t.key), LockMode.ACCESS_SHARE)
    bound = t.definition.get("bound", {})
    first = bound.get("is_default") and p.relation(t.key).known and not p.state.children(t.key)
    if not first and not bound_is_proven(p.relation(t.key), child, bound):
        p.scan(p.state.tree(child_key))
    default = p.state.default_partition(t.key)
    if default:
        p.lock(p.state.tree(default), AE)
        if not default_is_proven(p.relation(t.key), p.relation(default), bound):
            p.scan(p.state.tree(default))
    own = {(c.columns, c.references) for c in child.foreign_keys() if c.valid}
    for constraint in p.relation(t.key).foreign_keys():
        if constraint.references:
            p.lock(p.state.tree(constraint.references), SRE)
            if (constraint.columns, constraint.references) in own:
                p.lock(key_ends(p, constraint.references), AE)  # its own triggers go
            else:
                p.scan([*p.state.tree(child_key), *p.state.tree(constraint.references)])
    point_to_partition(p, t.key)
    attach_indexes(p, t.key, child_key)


def attach_indexes(p: Prediction, parent: str, child: str) -> None:
    """A partition that lacks an index of its parent gets it built."""
    own = p.state.indexes_of(child)
    for index in p.state.indexes_of(parent):
        if not any(same_index(each, index) for each in own):
            p.build(p.state.tree(child))


def detach(p: Prediction, t: Target) -> None:
    """DETACH PARTITION."""
    child = p.state.key_of_range(t.definition["name"])
    p.lock(p.state.tree(child), AE)
    default = p.state.default_partition(t.key)
    p.lock(p.state.ancestors(t.key), LockMode.ACCESS_SHARE)
    if t.definition.get("concurrent"):
        p.transactional = False
    elif default:
        p.lock(default, AE)
    for constraint in p.relation(child).foreign_keys():
        if constraint.references:
            p.lock(p.state.tree(constraint.references), SRE)
    for above in (t.key, *p.state.ancestors(t.key)):
        for referencing in p.state.referencing(above):
            p.lock(p.state.tree(referencing), AE)
            p.scan([*p.state.tree(referencing), *p.state.tree(child)])


def inherit(p: Prediction, t: Target) -> None:
    """INHERIT and NO INHERIT."""
    parent = p.state.key_of_range(t.definition)
    added = t.command["subtype"] == "AT_AddInherit"
    p.lock(parent, SUE if added else LockMode.ACCESS_SHARE)
    if added:  # it looks for the parent among them
        p.lock(p.state.descendants(t.key), LockMode.ACCESS_SHARE)


def rebuild_indexes(p: Prediction, tables: list[str]) -> None:
    """A new storage file gets its indexes built anew."""
    p.build(each for each in tables if p.state.indexes_of(each))
