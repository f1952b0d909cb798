"""accounts and postings"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = ("core",)
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("number", sa.String(34), nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False, server_default="EUR"),
        sa.Column("opened_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now()),
        sa.Column("tags", postgresql.JSONB, nullable=False, server_default="{}"),
    )
    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("amount", sa.Numeric(18, 2), nullable=False),
        sa.Column("booked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("memo", sa.Text),
    )
    op.create_index("ix_posting_account_id", "posting", ["account_id"])


def downgrade() -> None:
    op.drop_table("posting")
    op.drop_table("account")
