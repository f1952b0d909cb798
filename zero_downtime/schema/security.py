"""Who may see and do what: row-level security, roles and grants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zero_downtime.schema.declaration import (
    Relation,
    SchemaObject,
    comment_on,
    literal,
    plain_name,
    quoted,
    relation_name,
)

Command = Literal["all", "select", "insert", "update", "delete"]


@dataclass(frozen=True)
class RowLevelSecurity(SchemaObject):
    """Row-level security switched on; ``force`` binds the table's owner as well."""

    on: Relation
    force: bool = False

    @property
    def label(self) -> str:
        return f"row-level security of {plain_name(self.on)}"

    def statements(self) -> tuple[str, ...]:
        alter = f"ALTER TABLE {relation_name(self.on)}"
        enable = f"{alter} ENABLE ROW LEVEL SECURITY"
        return (enable, f"{alter} FORCE ROW LEVEL SECURITY") if self.force else (enable,)


@dataclass(frozen=True)
class Policy(SchemaObject):
    """A row-level security policy; ``check`` defaults to ``using``, as in PostgreSQL.

    Policy("own_tenant", on=Account, using="tenant_id = current_tenant_id()")
    """

    name: str
    on: Relation
    using: str | None = None
    check: str | None = None
    command: Command = "all"
    roles: tuple[str, ...] = ("PUBLIC",)
    permissive: bool = True
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"policy {self.name} on {plain_name(self.on)}"

    def statements(self) -> tuple[str, ...]:
        where = f"{quoted(self.name)} ON {relation_name(self.on)}"
        using = f" USING ({self.using})" if self.using else ""
        check = f" WITH CHECK ({self.check})" if self.check else ""
        kind = "PERMISSIVE" if self.permissive else "RESTRICTIVE"
        create = (
            f"CREATE POLICY {where} AS {kind} FOR {self.command.upper()} "
            f"TO {', '.join(self.roles)}{using}{check}"
        )
        return (create, *comment_on("POLICY", where, self.comment))


@dataclass(frozen=True)
class Role(SchemaObject):
    """A role that policies and grants name. It belongs to the cluster, not to the database.

    No revision creates it: roles are made where servers are set up, passwords included.
    """

    name: str
    login: bool = False

    @property
    def label(self) -> str:
        return f"role {self.name}"

    def statements(self) -> tuple[str, ...]:
        create = f"CREATE ROLE {quoted(self.name)} {'LOGIN' if self.login else 'NOLOGIN'}"
        # There is no IF NOT EXISTS for roles, and two sessions may race.
        body = (
            f"BEGIN EXECUTE {literal(create)}; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END"
        )
        return (f"DO $do${body}$do$",)


@dataclass(frozen=True)
class Grant(SchemaObject):
    """Privileges: ``Grant("SELECT, INSERT", on=Order, to="shop_app")``.

    ``on`` may be any object in SQL's words: ``on="SCHEMA shop"``, ``on="FUNCTION f(integer)"``.
    """

    privileges: str
    on: Relation
    to: str

    @property
    def label(self) -> str:
        return f"grant on {plain_name(self.on)} to {self.to}"

    def statements(self) -> tuple[str, ...]:
        return (f"GRANT {self.privileges} ON {relation_name(self.on)} TO {self.to}",)


@dataclass(frozen=True)
class DefaultPrivileges(SchemaObject):
    """What later objects are granted: ``DefaultPrivileges("SELECT", on="TABLES", to="reader")``.

    ``role`` is who makes these objects; without it, who runs the migrations.
    """

    privileges: str
    on: Literal["TABLES", "SEQUENCES", "FUNCTIONS", "TYPES", "SCHEMAS"]
    to: str
    role: str | None = None
    schema: str | None = None

    @property
    def label(self) -> str:
        return f"default privileges on {self.on.lower()} to {self.to}"

    def statements(self) -> tuple[str, ...]:
        role = f" FOR ROLE {quoted(self.role)}" if self.role else ""
        schema = f" IN SCHEMA {quoted(self.schema)}" if self.schema else ""
        grant = f"GRANT {self.privileges} ON {self.on} TO {self.to}"
        return (f"ALTER DEFAULT PRIVILEGES{role}{schema} {grant}",)
