# zd: plan aa65c990cba18885
"""Room for longer names and postal codes

Revision ID: df4cdb27d396
Revises: c7b755032213
Create Date: 2026-11-22 20:16

Phase expand: may run while the previous release of the application is up.
"""

from alembic import op

revision = "df4cdb27d396"
down_revision = "c7b755032213"
branch_labels = None
depends_on = None

phase = "expand"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # type of public.accounts.full_name
        op.execute("ALTER TABLE public.accounts ALTER COLUMN full_name TYPE text")
        # type of public.addresses.postal_code
        op.execute("""
            ALTER TABLE public.addresses ALTER COLUMN postal_code
                TYPE character varying(20)
        """)
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # type of public.accounts.full_name
        # zd: ignore[type-change-rewrite] the old limit can only be checked by writing the table anew
        op.execute("""
            ALTER TABLE public.accounts ALTER COLUMN full_name
                TYPE character varying(100)
        """)
        # type of public.addresses.postal_code
        # zd: ignore[type-change-rewrite] as above
        op.execute("""
            ALTER TABLE public.addresses ALTER COLUMN postal_code
                TYPE character varying(12)
        """)
        op.execute("RESET lock_timeout")
