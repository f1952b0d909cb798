"""The lock of each subcommand of ALTER TABLE, as data."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from zero_downtime.postgres.locks import LockMode

AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE


class Subcommand(Struct, frozen=True):
    """One form of ALTER TABLE: its lock, and whether it goes down to partitions and children.

    ``writes_rows`` tells that it may write every row anew, as a new version.
    """

    form: str
    mode: LockMode
    recurses: bool = False
    writes_rows: bool = False


SUBCOMMANDS: Mapping[str, Subcommand] = {
    "AT_AddColumn": Subcommand("ADD COLUMN", AE, recurses=True, writes_rows=True),
    "AT_DropColumn": Subcommand("DROP COLUMN", AE, recurses=True),
    "AT_AlterColumnType": Subcommand("ALTER COLUMN TYPE", AE, recurses=True, writes_rows=True),
    "AT_ColumnDefault": Subcommand("ALTER COLUMN SET/DROP DEFAULT", AE, recurses=True),
    "AT_SetNotNull": Subcommand("ALTER COLUMN SET NOT NULL", AE, recurses=True),
    "AT_DropNotNull": Subcommand("ALTER COLUMN DROP NOT NULL", AE, recurses=True),
    "AT_SetExpression": Subcommand(
        "ALTER COLUMN SET EXPRESSION", AE, recurses=True, writes_rows=True
    ),
    "AT_DropExpression": Subcommand("ALTER COLUMN DROP EXPRESSION", AE, recurses=True),
    "AT_AddIdentity": Subcommand("ALTER COLUMN ADD GENERATED AS IDENTITY", AE),
    "AT_SetIdentity": Subcommand("ALTER COLUMN SET GENERATED", AE),
    "AT_DropIdentity": Subcommand("ALTER COLUMN DROP IDENTITY", AE),
    "AT_SetStatistics": Subcommand("ALTER COLUMN SET STATISTICS", SUE, recurses=True),
    "AT_SetOptions": Subcommand("ALTER COLUMN SET (n_distinct …)", SUE),
    "AT_ResetOptions": Subcommand("ALTER COLUMN RESET (n_distinct …)", SUE),
    "AT_SetStorage": Subcommand("ALTER COLUMN SET STORAGE", AE, recurses=True),
    "AT_SetCompression": Subcommand("ALTER COLUMN SET COMPRESSION", AE),
    "AT_AddConstraint": Subcommand("ADD CONSTRAINT", AE, recurses=True),
    "AT_AlterConstraint": Subcommand("ALTER CONSTRAINT", AE, recurses=True),
    "AT_ValidateConstraint": Subcommand("VALIDATE CONSTRAINT", SUE, recurses=True),
    "AT_DropConstraint": Subcommand("DROP CONSTRAINT", AE, recurses=True),
    "AT_EnableTrig": Subcommand("ENABLE TRIGGER", SRE, recurses=True),
    "AT_EnableAlwaysTrig": Subcommand("ENABLE ALWAYS TRIGGER", SRE, recurses=True),
    "AT_EnableReplicaTrig": Subcommand("ENABLE REPLICA TRIGGER", SRE, recurses=True),
    "AT_EnableTrigAll": Subcommand("ENABLE TRIGGER ALL", SRE, recurses=True),
    "AT_EnableTrigUser": Subcommand("ENABLE TRIGGER USER", SRE, recurses=True),
    "AT_DisableTrig": Subcommand("DISABLE TRIGGER", SRE, recurses=True),
    "AT_DisableTrigAll": Subcommand("DISABLE TRIGGER ALL", SRE, recurses=True),
    "AT_DisableTrigUser": Subcommand("DISABLE TRIGGER USER", SRE, recurses=True),
    "AT_EnableRule": Subcommand("ENABLE RULE", AE),
    "AT_EnableAlwaysRule": Subcommand("ENABLE ALWAYS RULE", AE),
    "AT_EnableReplicaRule": Subcommand("ENABLE REPLICA RULE", AE),
    "AT_DisableRule": Subcommand("DISABLE RULE", AE),
    "AT_EnableRowSecurity": Subcommand("ENABLE ROW LEVEL SECURITY", AE),
    "AT_DisableRowSecurity": Subcommand("DISABLE ROW LEVEL SECURITY", AE),
    "AT_ForceRowSecurity": Subcommand("FORCE ROW LEVEL SECURITY", AE),
    "AT_NoForceRowSecurity": Subcommand("NO FORCE ROW LEVEL SECURITY", AE),
    "AT_ClusterOn": Subcommand("CLUSTER ON", SUE),
    "AT_DropCluster": Subcommand("SET WITHOUT CLUSTER", SUE),
    "AT_SetLogged": Subcommand("SET LOGGED", AE, writes_rows=True),
    "AT_SetUnLogged": Subcommand("SET UNLOGGED", AE, writes_rows=True),
    "AT_SetAccessMethod": Subcommand("SET ACCESS METHOD", AE, writes_rows=True),
    "AT_SetTableSpace": Subcommand("SET TABLESPACE", AE),
    "AT_SetRelOptions": Subcommand("SET (storage parameter)", SUE),
    "AT_ResetRelOptions": Subcommand("RESET (storage parameter)", SUE),
    "AT_ReplicaIdentity": Subcommand("REPLICA IDENTITY", AE),
    "AT_ChangeOwner": Subcommand("OWNER TO", AE),
    "AT_AddInherit": Subcommand("INHERIT", AE),
    "AT_DropInherit": Subcommand("NO INHERIT", AE),
    "AT_AddOf": Subcommand("OF type", AE),
    "AT_DropOf": Subcommand("NOT OF", AE),
    "AT_AttachPartition": Subcommand("ATTACH PARTITION", SUE),
    "AT_DetachPartition": Subcommand("DETACH PARTITION", AE),
    "AT_DetachPartitionFinalize": Subcommand("DETACH PARTITION FINALIZE", SUE),
    "AT_GenericOptions": Subcommand("OPTIONS (foreign table)", AE),
    "AT_AlterColumnGenericOptions": Subcommand("ALTER COLUMN OPTIONS (foreign table)", AE),
}
HEAVIEST = Subcommand("another form", AE, recurses=True)

# Storage parameters that PostgreSQL changes under SHARE UPDATE EXCLUSIVE (reloptions.c); all
# others, those of extensions included, need ACCESS EXCLUSIVE.
_LIGHT_PARAMETERS = ("autovacuum_", "log_autovacuum_", "vacuum_", "toast_tuple_target")
_LIGHT_PARAMETER_NAMES = frozenset({"fillfactor", "parallel_workers", "deduplicate_items"})


def is_light_parameter(name: str) -> bool:
    """Whether a storage parameter is changed under a lock that lets reads and writes pass."""
    return name in _LIGHT_PARAMETER_NAMES or name.startswith(_LIGHT_PARAMETERS)
