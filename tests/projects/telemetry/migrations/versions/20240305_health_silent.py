"""a device may be silent

Revision ID: c1d2a95e7740
Revises: b7c9d0f13a52
Create Date: 2024-03-05 09:12:00

"""
from typing import Sequence, Union

from alembic import op

revision: str = "c1d2a95e7740"
down_revision: Union[str, None] = "b7c9d0f13a52"
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE telemetry.health ADD VALUE IF NOT EXISTS 'silent'")


def downgrade() -> None:
    # PostgreSQL can't drop a value of an enum: make the type anew.
    op.execute("ALTER TABLE telemetry.device ALTER COLUMN health DROP DEFAULT")
    op.execute("UPDATE telemetry.device SET health = 'broken' WHERE health = 'silent'")
    op.execute("ALTER TYPE telemetry.health RENAME TO health_old")
    op.execute("CREATE TYPE telemetry.health AS ENUM ('ok', 'warning', 'broken')")
    op.execute(
        "ALTER TABLE telemetry.device ALTER COLUMN health TYPE telemetry.health "
        "USING health::text::telemetry.health"
    )
    op.execute("ALTER TABLE telemetry.device ALTER COLUMN health SET DEFAULT 'ok'")
    op.execute("DROP TYPE telemetry.health_old")
