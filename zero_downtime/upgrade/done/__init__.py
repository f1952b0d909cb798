"""Whether a statement's effect is already in the catalog, asked with a query made from its text.

An upgrade that was killed is simply run again: each statement is skipped when this query says
true. A look-alike (an index of that name on another table, an INVALID one, a column of another
type) is not the effect. None means that the text does not tell; such a statement runs again.

The queries return one boolean, contain no percent sign (a driver's placeholder) and lock nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zero_downtime.sql.tree import Node, NotParsed, parse
from zero_downtime.upgrade.done.alter_table import alter_table
from zero_downtime.upgrade.done.change import (
    alter_enum,
    alter_extension,
    comment,
    drop,
    rename,
    set_schema,
)
from zero_downtime.upgrade.done.create import (
    create_as,
    create_composite,
    create_domain,
    create_enum,
    create_extension,
    create_function,
    create_index,
    create_policy,
    create_range,
    create_rule,
    create_schema,
    create_sequence,
    create_statistics,
    create_table,
    create_trigger,
    create_view,
)

Test = Callable[[Node, str], "str | None"]


def done_query(sql: str) -> str | None:
    """A SELECT of one boolean, true when the catalog already shows the statement's effect."""
    try:
        kind, node = parse(sql)
    except NotParsed:
        return None
    test = _TESTS.get(kind)
    condition = test(node, sql) if test else None
    return f"SELECT coalesce({condition}, false)" if condition else None


_TESTS: Mapping[str, Test] = {
    "IndexStmt": create_index,
    "AlterTableStmt": alter_table,
    "CreateStmt": create_table,
    "CreateTableAsStmt": create_as,
    "ViewStmt": create_view,
    "CreateSeqStmt": create_sequence,
    "CreateEnumStmt": create_enum,
    "CreateDomainStmt": create_domain,
    "CompositeTypeStmt": create_composite,
    "CreateRangeStmt": create_range,
    "AlterEnumStmt": alter_enum,
    "CreateExtensionStmt": create_extension,
    "AlterExtensionStmt": alter_extension,
    "CreateSchemaStmt": create_schema,
    "CreateTrigStmt": create_trigger,
    "CreatePolicyStmt": create_policy,
    "RuleStmt": create_rule,
    "CreateFunctionStmt": create_function,
    "CreateStatsStmt": create_statistics,
    "DropStmt": drop,
    "RenameStmt": rename,
    "AlterObjectSchemaStmt": set_schema,
    "CommentStmt": comment,
}
