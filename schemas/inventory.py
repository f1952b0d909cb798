"""Stock per warehouse, and what of it is promised to orders."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, CreatedAt, Key, Reference


class Warehouse(Base):
    __tablename__ = "warehouses"
    __table_args__ = (UniqueConstraint("tenant_id", "code"),)

    id: Mapped[Key]
    tenant_id: Mapped[Reference] = mapped_column(ForeignKey("tenants.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(12))
    name: Mapped[str]


class StockLevel(Base):
    """How many pieces lie in a warehouse."""

    __tablename__ = "stock_levels"
    __table_args__ = (CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),)

    # Goods on a shelf keep their warehouse and their variant from being deleted.
    warehouse_id: Mapped[Reference] = mapped_column(
        ForeignKey("warehouses.id", ondelete="RESTRICT"), primary_key=True
    )
    variant_id: Mapped[Reference] = mapped_column(
        ForeignKey("variants.id", ondelete="RESTRICT"), primary_key=True, index=True
    )
    on_hand: Mapped[int] = mapped_column(server_default=text("0"))
    updated_at: Mapped[CreatedAt]


class StockReservation(Base):
    """Pieces promised to an order line; free are those on hand less those reserved.

    The variant is the order line's, so that it is not repeated here.
    """

    __tablename__ = "stock_reservations"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        # The sweep of expired promises looks at open ones only.
        Index("ix_stock_reservations_open", "expires_at", postgresql_where="released_at IS NULL"),
    )

    order_line_id: Mapped[Reference] = mapped_column(
        ForeignKey("order_lines.id", ondelete="CASCADE"), primary_key=True
    )
    warehouse_id: Mapped[Reference] = mapped_column(
        ForeignKey("warehouses.id", ondelete="RESTRICT"), primary_key=True, index=True
    )
    quantity: Mapped[int]
    expires_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
