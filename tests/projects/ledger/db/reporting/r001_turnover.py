"""turnover per month"""

from alembic import op

revision = "r001"
down_revision = None
branch_labels = ("reporting",)
depends_on = "0001"


def upgrade() -> None:
    op.execute(
        "CREATE VIEW monthly_turnover AS "
        "SELECT account_id, date_trunc('month', booked_at) AS month, sum(amount) AS turnover "
        "FROM posting GROUP BY 1, 2"
    )


def downgrade() -> None:
    op.execute("DROP VIEW monthly_turnover")
