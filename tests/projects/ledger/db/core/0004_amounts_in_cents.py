"""amounts in cents"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = "r002"


def upgrade() -> None:
    # The view reads the column, so it has to go first.
    op.execute("DROP VIEW monthly_turnover")
    op.alter_column(
        "posting",
        "amount",
        type_=sa.BigInteger(),
        existing_type=sa.Numeric(18, 2),
        existing_nullable=False,
        postgresql_using="(amount * 100)::bigint",
    )
    op.execute(
        "CREATE VIEW monthly_turnover AS "
        "SELECT account_id, date_trunc('month', booked_at) AS month, sum(amount) / 100.0 AS turnover "
        "FROM posting GROUP BY 1, 2"
    )


def downgrade() -> None:
    op.execute("DROP VIEW monthly_turnover")
    op.alter_column(
        "posting",
        "amount",
        type_=sa.Numeric(18, 2),
        existing_type=sa.BigInteger(),
        existing_nullable=False,
        postgresql_using="amount / 100.0",
    )
    op.execute(
        "CREATE VIEW monthly_turnover AS "
        "SELECT account_id, date_trunc('month', booked_at) AS month, sum(amount) AS turnover "
        "FROM posting GROUP BY 1, 2"
    )
