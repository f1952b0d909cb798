"""Carts: what a customer is about to order."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, CreatedAt, Key, Reference, one_of


class Cart(Base):
    __tablename__ = "carts"
    __table_args__ = (
        CheckConstraint(one_of("state", "open", "ordered", "abandoned"), name="state"),
        Index("ix_carts_account_id", "account_id"),
        # A customer fills one cart at a time.
        Index("uq_carts_open", "account_id", unique=True, postgresql_where="state = 'open'"),
    )

    id: Mapped[Key]
    account_id: Mapped[Reference] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(server_default="open")
    created_at: Mapped[CreatedAt]


class CartLine(Base):
    __tablename__ = "cart_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    cart_id: Mapped[Reference] = mapped_column(
        ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True
    )
    # What is no longer sold simply leaves the carts.
    variant_id: Mapped[Reference] = mapped_column(
        ForeignKey("variants.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    quantity: Mapped[int]
