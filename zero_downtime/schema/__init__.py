"""What a schema module may declare beside SQLAlchemy's tables.

Each object is a small frozen value that knows its SQL. Bind it to a module-level name (or put
several in a tuple or list) in any schema module, and it belongs to the declared schema; where no
name is wanted, ``attach(metadata, …)`` does the same. Anything that has no class here goes into
a ``.sql`` file in the same folder.
"""

from zero_downtime.schema.declaration import SchemaObject, attach, renamed_from
from zero_downtime.schema.functions import Function, Procedure, Trigger
from zero_downtime.schema.indexes import Statistics, VectorIndex
from zero_downtime.schema.namespaces import Extension, Schema
from zero_downtime.schema.partitions import Partition, monthly_partitions
from zero_downtime.schema.security import (
    DefaultPrivileges,
    Grant,
    Policy,
    Role,
    RowLevelSecurity,
)
from zero_downtime.schema.types import Domain, Enum
from zero_downtime.schema.views import MaterializedView, View, ViewIndex

__all__ = [
    "DefaultPrivileges",
    "Domain",
    "Enum",
    "Extension",
    "Function",
    "Grant",
    "MaterializedView",
    "Partition",
    "Policy",
    "Procedure",
    "Role",
    "RowLevelSecurity",
    "Schema",
    "SchemaObject",
    "Statistics",
    "Trigger",
    "VectorIndex",
    "View",
    "ViewIndex",
    "attach",
    "monthly_partitions",
    "renamed_from",
]
