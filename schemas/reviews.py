"""Reviews: what customers say about products."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, CreatedAt, Key, Reference, one_of


class Review(Base):
    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("product_id", "account_id"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        CheckConstraint("title <> ''", name="title_not_empty"),
        CheckConstraint(one_of("state", "pending", "published", "rejected"), name="state"),
        # A product's average is answered from this index alone.
        Index(
            "ix_reviews_published",
            "product_id",
            postgresql_include=["rating"],
            postgresql_where="state = 'published'",
        ),
    )

    id: Mapped[Key]
    product_id: Mapped[Reference] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    account_id: Mapped[Reference] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    # The purchase that the review is about, where we know it.
    order_line_id: Mapped[Reference | None] = mapped_column(
        ForeignKey("order_lines.id", ondelete="SET NULL"), index=True
    )
    rating: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str | None]
    body: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="pending")
    created_at: Mapped[CreatedAt]
