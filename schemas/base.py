"""What all tables of the store have in common: names, types and keys."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Identity,
    Integer,
    MetaData,
    Numeric,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

# Every constraint has a name that a revision can speak of.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of all models."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it as a plain class attribute
        str: Text,
        int: Integer,
        datetime: DateTime(timezone=True),
        Decimal: Numeric(12, 2),
        dict[str, Any]: JSONB,
    }


Key = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
Reference = Annotated[int, mapped_column(BigInteger)]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.now())]


def one_of(column: str, *values: str) -> str:
    """The text of a check constraint: the column holds one of these values."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
