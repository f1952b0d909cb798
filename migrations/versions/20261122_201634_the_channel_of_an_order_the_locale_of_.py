# zd: plan 532e45b926b483e8
"""The channel of an order, the locale of an account

Revision ID: c0817dcccfe2
Revises: d9bd6d8ddee7
Create Date: 2026-11-22 20:16

Phase expand: may run while the previous release of the application is up.
"""

from alembic import op

revision = "c0817dcccfe2"
down_revision = "d9bd6d8ddee7"
branch_labels = None
depends_on = None

phase = "expand"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # new column public.accounts.locale
        op.execute("""
            ALTER TABLE public.accounts ADD COLUMN locale text DEFAULT 'en'::text
        """)
        op.execute("COMMENT ON COLUMN public.accounts.locale IS 'BCP 47, for mails'")
        # new column public.orders.channel
        op.execute("""
            ALTER TABLE public.orders ADD COLUMN channel text DEFAULT 'web'::text
                NOT NULL
        """)
        # ck_orders_channel: new rows from now on
        op.execute("""
            ALTER TABLE public.orders ADD CONSTRAINT ck_orders_channel
                CHECK ((channel = ANY (ARRAY['web'::text, 'app'::text, 'phone'::text])))
                NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("ALTER TABLE public.orders VALIDATE CONSTRAINT ck_orders_channel")
        op.execute("COMMENT ON COLUMN public.orders.channel IS 'Where it was placed'")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # drop ck_orders_channel
        op.execute("ALTER TABLE public.orders DROP CONSTRAINT ck_orders_channel")
        # drop public.orders.channel
        op.execute("ALTER TABLE public.orders DROP COLUMN channel")
        # drop public.accounts.locale
        op.execute("ALTER TABLE public.accounts DROP COLUMN locale")
        op.execute("RESET lock_timeout")
