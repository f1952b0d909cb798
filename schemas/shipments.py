"""Shipments: which lines of an order left which warehouse, and where they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, CreatedAt, Key, Reference
from zero_downtime.schema import renamed_from


class Shipment(Base):
    __tablename__ = "shipments"
    __table_args__ = (
        CheckConstraint("delivered_at >= shipped_at", name="delivered_after_shipped"),
        Index("uq_shipments_tracking", "carrier", "tracking_code", unique=True),
    )

    id: Mapped[Key]
    order_id: Mapped[Reference] = mapped_column(
        ForeignKey("orders.id", ondelete="RESTRICT"), index=True
    )
    warehouse_id: Mapped[Reference] = mapped_column(
        ForeignKey("warehouses.id", ondelete="RESTRICT"), index=True
    )
    carrier: Mapped[str | None] = mapped_column(String(40))
    tracking_code: Mapped[str | None] = mapped_column(info=renamed_from("tracking_number"))
    created_at: Mapped[CreatedAt]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class ShipmentLine(Base):
    """A line of the order, or a part of it when it goes in several parcels."""

    __tablename__ = "shipment_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    shipment_id: Mapped[Reference] = mapped_column(
        ForeignKey("shipments.id", ondelete="CASCADE"), primary_key=True
    )
    order_line_id: Mapped[Reference] = mapped_column(
        ForeignKey("order_lines.id", ondelete="RESTRICT"), primary_key=True, index=True
    )
    quantity: Mapped[int]
