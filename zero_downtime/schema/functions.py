"""Functions and the triggers that call them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Literal

from zero_downtime.schema.declaration import (
    Relation,
    SchemaObject,
    comment_on,
    plain_name,
    quoted,
    relation_name,
)

Volatility = Literal["volatile", "stable", "immutable"]


@dataclass(frozen=True)
class Function(SchemaObject):
    """A function.

    ``options`` holds the rarer clauses as SQL: ``"STRICT SECURITY DEFINER SET search_path = ''"``.

        touch = Function(
            "touch_updated_at",
            returns="trigger",
            language="plpgsql",
            body="BEGIN NEW.updated_at := now(); RETURN NEW; END",
        )
    """

    name: str
    body: str
    arguments: str = ""
    returns: str = "void"
    language: str = "sql"
    volatility: Volatility = "volatile"
    options: str = ""
    schema: str | None = None
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"function {self.name}"

    @property
    def sql_name(self) -> str:
        """The name as SQL, without arguments."""
        return quoted(self.name, self.schema)

    def statements(self) -> tuple[str, ...]:
        body = textwrap.dedent(self.body)
        tag = "$body$" if "$$" in body else "$$"
        options = f" {self.options}" if self.options else ""
        # OR REPLACE, since a set of functions that call each other is made in two rounds.
        create = (
            f"CREATE OR REPLACE FUNCTION {self.sql_name}({self.arguments})\n"
            f"RETURNS {self.returns} LANGUAGE {self.language} {self.volatility.upper()}{options}\n"
            f"AS {tag}{body}{tag}"
        )
        # Without an argument list PostgreSQL finds the function by its name alone, and says so
        # when there are several; defaults in ``arguments`` would be refused there.
        return (create, *comment_on("FUNCTION", self.sql_name, self.comment))


@dataclass(frozen=True)
class Procedure(SchemaObject):
    """A procedure; ``options`` holds the rarer clauses as SQL, ``"SECURITY DEFINER"``."""

    name: str
    body: str
    arguments: str = ""
    language: str = "plpgsql"
    options: str = ""
    schema: str | None = None
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"procedure {self.name}"

    def statements(self) -> tuple[str, ...]:
        name = quoted(self.name, self.schema)
        body = textwrap.dedent(self.body)
        tag = "$body$" if "$$" in body else "$$"
        options = f" {self.options}" if self.options else ""
        create = (
            f"CREATE OR REPLACE PROCEDURE {name}({self.arguments})\n"
            f"LANGUAGE {self.language}{options}\nAS {tag}{body}{tag}"
        )
        return (create, *comment_on("PROCEDURE", name, self.comment))


@dataclass(frozen=True)
class Trigger(SchemaObject):
    """A trigger; ``when`` is its moment, ``condition`` the expression behind SQL's WHEN.

    Trigger("accounts_touch", on=Account, when="BEFORE UPDATE", execute=touch)
    """

    name: str
    on: Relation
    when: str
    execute: Function | str
    arguments: tuple[str, ...] = ()
    for_each: Literal["row", "statement"] = "row"
    condition: str | None = None
    referencing: str | None = None
    constraint: bool = False
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"trigger {self.name} on {plain_name(self.on)}"

    def statements(self) -> tuple[str, ...]:
        function = self.execute if isinstance(self.execute, str) else self.execute.sql_name
        clauses = [
            f"CREATE {'CONSTRAINT ' if self.constraint else ''}TRIGGER {quoted(self.name)}",
            f"{self.when} ON {relation_name(self.on)}",
            f"REFERENCING {self.referencing}" if self.referencing else "",
            f"FOR EACH {self.for_each.upper()}",
            f"WHEN ({self.condition})" if self.condition else "",
            f"EXECUTE FUNCTION {function}({', '.join(self.arguments)})",
        ]
        where = f"{quoted(self.name)} ON {relation_name(self.on)}"
        return (
            " ".join(clause for clause in clauses if clause),
            *comment_on("TRIGGER", where, self.comment),
        )
