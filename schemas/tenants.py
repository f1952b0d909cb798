"""Tenants: the shops that share this database."""

from __future__ import annotations

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, CreatedAt, Key


class Tenant(Base):
    __tablename__ = "tenants"
    __table_args__ = (
        CheckConstraint("slug = lower(slug) AND slug <> ''", name="slug_lower"),
        {"comment": "A shop; everything else belongs to one, directly or through its parent"},
    )

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(unique=True, comment="First part of the shop's address")
    name: Mapped[str]
    created_at: Mapped[CreatedAt]
