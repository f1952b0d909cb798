"""the statement page needs an index"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_posting_booked_at ON posting (account_id, booked_at DESC)"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_posting_account_id")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_posting_account_id", "posting", ["account_id"], postgresql_concurrently=True
        )
        op.drop_index(
            "ix_posting_booked_at", table_name="posting", postgresql_concurrently=True
        )
