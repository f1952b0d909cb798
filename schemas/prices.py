"""Prices: what a variant costs in a currency, and from when until when."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, Key, Reference
from zero_downtime.schema import Extension

# GiST alone has no operator classes for the plain equality of the exclusion below.
btree_gist = Extension("btree_gist")


class Price(Base):
    __tablename__ = "prices"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("NOT isempty(valid)", name="valid_not_empty"),
        # At each moment a variant has at most one price in a currency.
        ExcludeConstraint(
            ("variant_id", "="),
            ("currency", "="),
            ("valid", "&&"),
            name="ex_prices_no_overlap",
            using="gist",
        ),
    )

    id: Mapped[Key]
    variant_id: Mapped[Reference] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    currency: Mapped[str] = mapped_column(String(3), comment="ISO 4217")
    amount: Mapped[Decimal]
    valid: Mapped[Range[datetime]] = mapped_column(
        TSTZRANGE, comment="Open end: until further notice"
    )
