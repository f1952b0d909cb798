"""What is for sale: categories, products and their variants."""

from __future__ import annotations

from typing import Any

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, CreatedAt, Key, Reference, one_of
from zero_downtime.schema import Extension

vector = Extension("vector")


class Category(Base):
    __tablename__ = "categories"
    __table_args__ = (
        UniqueConstraint("tenant_id", "slug"),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
    )

    id: Mapped[Key]
    tenant_id: Mapped[Reference] = mapped_column(ForeignKey("tenants.id", ondelete="RESTRICT"))
    parent_id: Mapped[Reference | None] = mapped_column(
        ForeignKey("categories.id", ondelete="RESTRICT"), index=True
    )
    slug: Mapped[str]
    name: Mapped[str]


class Product(Base):
    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("tenant_id", "slug"),
        CheckConstraint(one_of("state", "draft", "listed", "retired"), name="state"),
        Index("ix_products_search", "search", postgresql_using="gin"),
        # The shop window asks for listed products only.
        Index("ix_products_listed", "tenant_id", "name", postgresql_where="state = 'listed'"),
        # Vectors of two models can't be compared, so none is stored without its model's name.
        CheckConstraint("(embedding IS NULL) = (embedding_model IS NULL)", name="embedding_model"),
        Index(
            "ix_products_embedding",
            "embedding",
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
            postgresql_with={"m": 16, "ef_construction": 64},
        ),
    )

    id: Mapped[Key]
    tenant_id: Mapped[Reference] = mapped_column(ForeignKey("tenants.id", ondelete="RESTRICT"))
    slug: Mapped[str]
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="draft")
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed("to_tsvector('english', name || ' ' || description)", persisted=True),
        comment="Derived by the server; never written",
    )
    embedding: Mapped[list[float] | None] = mapped_column(
        VECTOR(384), comment="Of name and description; NULL until computed"
    )
    embedding_model: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class ProductCategory(Base):
    __tablename__ = "product_categories"

    product_id: Mapped[Reference] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True
    )
    # A category that still holds products is not deleted from under them.
    category_id: Mapped[Reference] = mapped_column(
        ForeignKey("categories.id", ondelete="RESTRICT"), primary_key=True, index=True
    )


class Variant(Base):
    """A product in one size, colour, …: the thing that has a price and lies on a shelf."""

    __tablename__ = "variants"
    __table_args__ = (
        UniqueConstraint("product_id", "sku"),
        CheckConstraint("weight_grams > 0", name="weight_positive"),
    )

    id: Mapped[Key]
    product_id: Mapped[Reference] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    sku: Mapped[str] = mapped_column(String(40), comment="Stock keeping unit, as on the label")
    title: Mapped[str]
    weight_grams: Mapped[int | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[CreatedAt]
