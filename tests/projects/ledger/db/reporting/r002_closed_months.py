"""months that are closed

Postings before the last closed month can't be changed any more.
"""

import datetime

import sqlalchemy as sa
from alembic import op

revision = "r002"
down_revision = "r001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    closed = op.create_table(
        "closed_month",
        sa.Column("month", sa.Date, primary_key=True),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.CheckConstraint("extract(day from month) = 1", name="first_of_month"),
    )
    op.bulk_insert(
        closed,
        [{"month": datetime.date(2023, month, 1), "closed_by": "import"} for month in (1, 2, 3)],
    )
    op.execute(
        sa.text("DELETE FROM closed_month WHERE month < :first").bindparams(
            first=datetime.date(2023, 2, 1)
        )
    )


def downgrade() -> None:
    op.drop_table("closed_month")
