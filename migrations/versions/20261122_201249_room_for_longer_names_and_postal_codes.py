# zd: plan 0c54ec0a5538fe8d
"""Room for longer names and postal codes

Revision ID: af2cbf209421
Revises: 411e7bef5f3a
Create Date: 2026-11-22 20:12

Phase expand: may run while the previous release of the application is up.
"""

from alembic import op

revision = "af2cbf209421"
down_revision = "411e7bef5f3a"
branch_labels = None
depends_on = None

phase = "expand"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # type of public.accounts.full_name
        op.execute("ALTER TABLE public.accounts ALTER COLUMN full_name TYPE text")
        # type of public.addresses.postal_code
        op.execute("ALTER TABLE public.addresses ALTER COLUMN postal_code TYPE character varying(20)")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # type of public.accounts.full_name
        # zd: ignore[type-change-rewrite] the old limit can only be checked by writing the table anew
        op.execute("ALTER TABLE public.accounts ALTER COLUMN full_name TYPE character varying(100)")
        # type of public.addresses.postal_code
        # zd: ignore[type-change-rewrite] as above
        op.execute("ALTER TABLE public.addresses ALTER COLUMN postal_code TYPE character varying(12)")
        op.execute("RESET lock_timeout")
