"""devices

Revision ID: a10b8b2d4c1e
Revises:
Create Date: 2024-01-10 10:00:00

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision: str = "a10b8b2d4c1e"
down_revision: Union[str, None] = None
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None

health = postgresql.ENUM("ok", "warning", "broken", name="health", schema="telemetry", create_type=False)


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS telemetry")
    health.create(op.get_bind(), checkfirst=True)
    op.create_table(
        "device",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("health", health, server_default="ok", nullable=False),
        sa.Column("properties", postgresql.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("serial", name=op.f("uq_device_serial")),
        schema="telemetry",
    )


def downgrade() -> None:
    op.drop_table("device", schema="telemetry")
    health.drop(op.get_bind(), checkfirst=False)
    op.execute("DROP SCHEMA telemetry")
