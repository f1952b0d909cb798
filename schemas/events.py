"""Events: what visitors do, one partition a month, so that old months leave by a DROP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from schemas.base import Base, Reference
from zero_downtime.schema import Partition, monthly_partitions


class Event(Base):
    """A visitor need not be logged in, so the shop can't be found by way of the account."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_tenant_id_occurred_at", "tenant_id", "occurred_at"),
        Index(
            "ix_events_account_id",
            "account_id",
            "occurred_at",
            postgresql_where="account_id IS NOT NULL",
        ),
        {
            "postgresql_partition_by": "RANGE (occurred_at)",
            "comment": "What visitors do; partitioned by month",
        },
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    # A unique key of a partitioned table holds the partition key.
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now(), primary_key=True)
    tenant_id: Mapped[Reference] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    # Who has left is forgotten, what was done stays countable.
    account_id: Mapped[Reference | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="SET NULL")
    )
    kind: Mapped[str] = mapped_column(comment="product_viewed, cart_filled, …")
    payload: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


months = monthly_partitions(Event, first=date(2026, 11, 1), months=6)

# When a month was forgotten nothing is lost. It should be empty: a row in it delays new months.
remainder = Partition("events_default", of=Event, bound="DEFAULT")
