"""Customers' accounts and their addresses."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, CreatedAt, Key, Reference, one_of


class Account(Base):
    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(one_of("state", "active", "suspended", "closed"), name="state"),
        CheckConstraint("email LIKE '%_@_%'", name="email"),
        {"comment": "A customer of one shop"},
    )

    id: Mapped[Key]
    # A shop is never deleted by accident: its customers must be gone first.
    tenant_id: Mapped[Reference] = mapped_column(ForeignKey("tenants.id", ondelete="RESTRICT"))
    email: Mapped[str]
    full_name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="active")
    locale: Mapped[str] = mapped_column(server_default="en", comment="BCP 47, for mails")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


# One account per shop and address, however it is typed.
Index("uq_accounts_email", Account.tenant_id, func.lower(Account.email), unique=True)


class Address(Base):
    __tablename__ = "addresses"
    __table_args__ = (
        CheckConstraint(one_of("kind", "billing", "shipping"), name="kind"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        Index("ix_addresses_account_id", "account_id"),
        # At most one default of each kind.
        Index(
            "uq_addresses_default", "account_id", "kind", unique=True, postgresql_where="is_default"
        ),
    )

    id: Mapped[Key]
    account_id: Mapped[Reference] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    kind: Mapped[str]
    recipient: Mapped[str]
    street: Mapped[str]
    city: Mapped[str]
    postal_code: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str] = mapped_column(String(2), comment="ISO 3166-1 alpha-2")
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[CreatedAt]
