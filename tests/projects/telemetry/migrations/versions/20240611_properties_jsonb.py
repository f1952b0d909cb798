"""properties as jsonb, firmware as a column

Revision ID: d5e81b0c9f33
Revises: c1d2a95e7740
Create Date: 2024-06-11 17:45:00

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision: str = "d5e81b0c9f33"
down_revision: Union[str, None] = "c1d2a95e7740"
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.alter_column(
        "device", "properties",
        existing_type=postgresql.JSON(), type_=postgresql.JSONB(),
        postgresql_using="coalesce(properties, '{}')::jsonb",
        schema="telemetry",
    )
    op.alter_column(
        "device", "properties", nullable=False, server_default=sa.text("'{}'::jsonb"), schema="telemetry",
    )
    op.alter_column(
        "device", "serial", existing_type=sa.String(40), type_=sa.Text(), schema="telemetry",
    )
    op.add_column("device", sa.Column("firmware", sa.Text(), nullable=True), schema="telemetry")
    device = sa.table(
        "device", sa.column("firmware", sa.Text), sa.column("properties", postgresql.JSONB), schema="telemetry",
    )
    op.execute(device.update().values(firmware=sa.func.coalesce(device.c.properties["firmware"].astext, "1.0")))
    op.alter_column("device", "firmware", nullable=False, server_default="1.0", schema="telemetry")


def downgrade() -> None:
    op.drop_column("device", "firmware", schema="telemetry")
    op.alter_column(
        "device", "serial", existing_type=sa.Text(), type_=sa.String(40), schema="telemetry",
    )
    op.alter_column(
        "device", "properties", nullable=True, server_default=None, schema="telemetry",
    )
    op.alter_column(
        "device", "properties",
        existing_type=postgresql.JSONB(), type_=postgresql.JSON(),
        postgresql_using="properties::json",
        schema="telemetry",
    )
