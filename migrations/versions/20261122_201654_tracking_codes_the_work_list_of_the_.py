# zd: plan 9c5fe803ab0f386c
"""Tracking codes; the work list of the warehouse (1 of 2)

Revision ID: e50830f37742
Revises: df4cdb27d396
Create Date: 2026-11-22 20:16

Phase contract: run it once no instance of the previous release is left.
"""

from alembic import op

revision = "e50830f37742"
down_revision = "df4cdb27d396"
branch_labels = None
depends_on = None

phase = "contract"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # declared: renamed_from tracking_number
        # zd: ignore[rename-column] only the warehouse's nightly job reads it, and it is stopped meanwhile
        op.execute("""
            ALTER TABLE public.shipments RENAME COLUMN tracking_number TO tracking_code
        """)
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # the old name again
        op.execute("""
            ALTER TABLE public.shipments RENAME COLUMN tracking_code TO tracking_number
        """)
        op.execute("RESET lock_timeout")
