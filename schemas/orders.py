"""Orders and their lines: what was bought, at which price."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Enum,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, Key, Reference, one_of


class OrderState(enum.StrEnum):
    """In the order in which an order goes through them."""

    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint(one_of("channel", "web", "app", "phone"), name="channel"),
        # "My orders" reads nothing but this index.
        Index(
            "ix_orders_of_account",
            "account_id",
            "placed_at",
            postgresql_include=["state"],
        ),
        # What the warehouse prepares (placed) and packs (paid), oldest first.
        Index(
            "ix_orders_to_fulfil",
            "state",
            "placed_at",
            postgresql_where="state IN ('placed', 'paid')",
        ),
    )

    id: Mapped[Key]
    # Books must be kept: nobody deletes a customer, or an address, that an order speaks of.
    account_id: Mapped[Reference] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    shipping_address_id: Mapped[Reference] = mapped_column(
        ForeignKey("addresses.id", ondelete="RESTRICT"), index=True
    )
    state: Mapped[OrderState] = mapped_column(
        Enum(
            OrderState,
            name="order_state",
            values_callable=lambda states: [state.value for state in states],
        ),
        server_default=OrderState.PLACED.value,
    )
    currency: Mapped[str] = mapped_column(String(3), comment="ISO 4217, of all its lines")
    channel: Mapped[str] = mapped_column(server_default="web", comment="Where it was placed")
    placed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OrderLine(Base):
    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "variant_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unit_price >= 0", name="unit_price_not_negative"),
    )

    id: Mapped[Key]
    order_id: Mapped[Reference] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    variant_id: Mapped[Reference] = mapped_column(
        ForeignKey("variants.id", ondelete="RESTRICT"), index=True
    )
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(comment="As agreed; prices change, orders do not")
    total: Mapped[Decimal] = mapped_column(Computed("quantity * unit_price", persisted=True))
