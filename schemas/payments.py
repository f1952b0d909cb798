"""Payments: what the payment providers told us about an order."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, CreatedAt, Key, Reference, one_of


class Payment(Base):
    __tablename__ = "payments"
    __table_args__ = (
        # A provider may tell us the same thing twice; it is one payment all the same.
        UniqueConstraint("provider", "provider_reference"),
        CheckConstraint(one_of("state", "pending", "captured", "refunded", "failed"), name="state"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(
            "captured_at IS NOT NULL OR state IN ('pending', 'failed')", name="captured_at"
        ),
    )

    id: Mapped[Key]
    order_id: Mapped[Reference] = mapped_column(
        ForeignKey("orders.id", ondelete="RESTRICT"), index=True
    )
    provider: Mapped[str]
    provider_reference: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(comment="In the order's currency")
    state: Mapped[str] = mapped_column(server_default="pending")
    created_at: Mapped[CreatedAt]
    captured_at: Mapped[datetime | None]
