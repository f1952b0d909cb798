"""readings

Revision ID: b7c9d0f13a52
Revises: a10b8b2d4c1e
Create Date: 2024-01-22 15:30:00

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

revision: str = "b7c9d0f13a52"
down_revision: Union[str, None] = "a10b8b2d4c1e"
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_table(
        "reading",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        schema="telemetry",
    )
    op.create_foreign_key(
        None, "reading", "device", ["device_id"], ["id"],
        source_schema="telemetry", referent_schema="telemetry", ondelete="CASCADE",
    )
    op.create_index(None, "reading", ["device_id", "taken_at"], schema="telemetry")


def downgrade() -> None:
    op.drop_index(op.f("ix_reading_device_id_taken_at"), table_name="reading", schema="telemetry")
    op.drop_table("reading", schema="telemetry")
