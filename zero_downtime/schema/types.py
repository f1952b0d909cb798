"""Types of one's own: enums, whose values may be renamed, and domains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zero_downtime.schema.declaration import SchemaObject, comment_on, literal, quoted


@dataclass(frozen=True)
class Enum(SchemaObject):
    """An enum type with its values in order; ``renamed_from`` says which value had another name.

    Columns of it are declared with SQLAlchemy's ``ENUM(…, name=…, create_type=False)``.

        state = Enum("order_state", ("placed", "settled"), renamed_from={"settled": "paid"})
    """

    name: str
    values: tuple[str, ...]
    renamed_from: Mapping[str, str] = field(default_factory=dict, hash=False)
    schema: str | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if strange := sorted(set(self.renamed_from) - set(self.values)):
            said = ", ".join(map(repr, strange))
            raise ValueError(f"renamed_from of enum {self.name} names no value of it: {said}")

    @property
    def label(self) -> str:
        return f"enum {self.name}"

    @property
    def sql_name(self) -> str:
        """The name as SQL."""
        return quoted(self.name, self.schema)

    def statements(self) -> tuple[str, ...]:
        values = ", ".join(literal(value) for value in self.values)
        return (
            f"CREATE TYPE {self.sql_name} AS ENUM ({values})",
            *comment_on("TYPE", self.sql_name, self.comment),
        )


@dataclass(frozen=True)
class Domain(SchemaObject):
    """A domain; ``checks`` maps the names of its constraints to their expressions.

    Domain("email", "text", checks={"email_has_at": "VALUE LIKE '%_@_%'"})
    """

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    collation: str | None = None
    checks: Mapping[str, str] = field(default_factory=dict, hash=False)
    schema: str | None = None
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"domain {self.name}"

    def statements(self) -> tuple[str, ...]:
        name = quoted(self.name, self.schema)
        clauses = [
            f"CREATE DOMAIN {name} AS {self.type}",
            f"COLLATE {quoted(self.collation)}" if self.collation else "",
            f"DEFAULT {self.default}" if self.default else "",
            "NOT NULL" if self.not_null else "",
            *(f"CONSTRAINT {quoted(each)} CHECK ({sql})" for each, sql in self.checks.items()),
        ]
        return (
            " ".join(clause for clause in clauses if clause),
            *comment_on("DOMAIN", name, self.comment),
        )
