# zd: plan 579af90e0bec9868
"""Tracking codes; the work list of the warehouse (2 of 2)

Revision ID: b80c7b780c22
Revises: e50830f37742
Create Date: 2026-11-22 20:16

Phase expand: may run while the previous release of the application is up.
"""

from alembic import op

revision = "b80c7b780c22"
down_revision = "e50830f37742"
branch_labels = None
depends_on = None

phase = "expand"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # the successor of public.ix_orders_to_fulfil
        op.execute("""
            CREATE INDEX CONCURRENTLY ix_orders_to_fulfil_new ON public.orders
                USING btree (state, placed_at)
                WHERE (state = ANY (ARRAY['placed'::public.order_state,
                'paid'::public.order_state]))
        """)
        # drop public.ix_orders_to_fulfil
        op.execute("DROP INDEX CONCURRENTLY public.ix_orders_to_fulfil")
        op.execute("SET lock_timeout = '2s'")
        # its name
        op.execute("""
            ALTER INDEX public.ix_orders_to_fulfil_new RENAME TO ix_orders_to_fulfil
        """)
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        # the successor of public.ix_orders_to_fulfil
        op.execute("""
            CREATE INDEX CONCURRENTLY ix_orders_to_fulfil_new ON public.orders
                USING btree (placed_at) WHERE (state = 'paid'::public.order_state)
        """)
        # drop public.ix_orders_to_fulfil
        op.execute("DROP INDEX CONCURRENTLY public.ix_orders_to_fulfil")
        op.execute("SET lock_timeout = '2s'")
        # its name
        op.execute("""
            ALTER INDEX public.ix_orders_to_fulfil_new RENAME TO ix_orders_to_fulfil
        """)
        op.execute("RESET lock_timeout")
