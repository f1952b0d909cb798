# zd: plan df9f60e9f5bc4619
"""Events by month, and monthly sales

Revision ID: d9bd6d8ddee7
Revises: ab7fe818b2a7
Create Date: 2026-11-22 20:16

Phase expand: may run while the previous release of the application is up.
"""

from alembic import op

revision = "d9bd6d8ddee7"
down_revision = "ab7fe818b2a7"
branch_labels = None
depends_on = None

phase = "expand"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    # new table public.events
    op.execute("""
        CREATE TABLE public.events (
            id bigint GENERATED ALWAYS AS IDENTITY,
            occurred_at timestamp with time zone DEFAULT now() NOT NULL,
            tenant_id bigint NOT NULL,
            account_id bigint,
            kind text NOT NULL,
            payload jsonb DEFAULT '{}'::jsonb NOT NULL,
            CONSTRAINT pk_events PRIMARY KEY (id, occurred_at)
        )
        PARTITION BY RANGE (occurred_at)
    """)
    op.execute("""
        COMMENT ON TABLE public.events IS 'What visitors do; partitioned by month'
    """)
    op.execute("""
        COMMENT ON COLUMN public.events.kind IS 'product_viewed, cart_filled, …'
    """)
    # new partition public.events_2026_11
    op.execute("""
        CREATE TABLE public.events_2026_11 PARTITION OF public.events
            FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00')
    """)
    # new partition public.events_2026_12
    op.execute("""
        CREATE TABLE public.events_2026_12 PARTITION OF public.events
            FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00')
    """)
    # new partition public.events_2027_01
    op.execute("""
        CREATE TABLE public.events_2027_01 PARTITION OF public.events
            FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00')
    """)
    # new partition public.events_2027_02
    op.execute("""
        CREATE TABLE public.events_2027_02 PARTITION OF public.events
            FOR VALUES FROM ('2027-02-01 00:00:00+00') TO ('2027-03-01 00:00:00+00')
    """)
    # new partition public.events_2027_03
    op.execute("""
        CREATE TABLE public.events_2027_03 PARTITION OF public.events
            FOR VALUES FROM ('2027-03-01 00:00:00+00') TO ('2027-04-01 00:00:00+00')
    """)
    # new partition public.events_2027_04
    op.execute("""
        CREATE TABLE public.events_2027_04 PARTITION OF public.events
            FOR VALUES FROM ('2027-04-01 00:00:00+00') TO ('2027-05-01 00:00:00+00')
    """)
    # new partition public.events_default
    op.execute("""
        CREATE TABLE public.events_default PARTITION OF public.events DEFAULT
    """)
    # new materialized view public.monthly_sales, empty
    op.execute("""
        CREATE MATERIALIZED VIEW public.monthly_sales AS
         SELECT p.tenant_id,
            v.product_id,
            o.currency,
            (date_trunc('month'::text, (o.placed_at AT TIME ZONE 'UTC'::text)))::date AS month,
            sum(l.quantity) AS units,
            sum(l.total) AS revenue
           FROM (((public.order_lines l
             JOIN public.orders o ON ((o.id = l.order_id)))
             JOIN public.variants v ON ((v.id = l.variant_id)))
             JOIN public.products p ON ((p.id = v.product_id)))
          WHERE (o.state = ANY (ARRAY['paid'::public.order_state, 'shipped'::public.order_state, 'delivered'::public.order_state]))
          GROUP BY p.tenant_id, v.product_id, o.currency, ((date_trunc('month'::text, (o.placed_at AT TIME ZONE 'UTC'::text)))::date)
          WITH NO DATA
    """)
    op.execute("""
        COMMENT ON MATERIALIZED VIEW public.monthly_sales IS
            'Units and revenue by product, currency and month (UTC)'
    """)
    # new view public.own_sales
    op.execute("""
        CREATE VIEW public.own_sales WITH (security_barrier='true') AS
         SELECT product_id,
            currency,
            month,
            units,
            revenue
           FROM public.monthly_sales
          WHERE (tenant_id = public.current_tenant_id())
    """)
    op.execute("""
        COMMENT ON VIEW public.own_sales IS 'The sales of this session''s tenant'
    """)
    # index public.ix_events_account_id
    op.execute("""
        CREATE INDEX ix_events_account_id ON public.events
            USING btree (account_id, occurred_at) WHERE (account_id IS NOT NULL)
    """)
    # index public.ix_events_tenant_id_occurred_at
    op.execute("""
        CREATE INDEX ix_events_tenant_id_occurred_at ON public.events
            USING btree (tenant_id, occurred_at)
    """)
    # index public.ix_monthly_sales_tenant_id
    op.execute("""
        CREATE INDEX ix_monthly_sales_tenant_id ON public.monthly_sales
            USING btree (tenant_id, month)
    """)
    # index public.uq_monthly_sales
    op.execute("""
        CREATE UNIQUE INDEX uq_monthly_sales ON public.monthly_sales
            USING btree (product_id, currency, month)
    """)
    # new enable row security public.events.
    op.execute("ALTER TABLE public.events ENABLE ROW LEVEL SECURITY")
    # new enable row security public.events_2026_11.
    op.execute("ALTER TABLE public.events_2026_11 ENABLE ROW LEVEL SECURITY")
    # new enable row security public.events_2026_12.
    op.execute("ALTER TABLE public.events_2026_12 ENABLE ROW LEVEL SECURITY")
    # new enable row security public.events_2027_01.
    op.execute("ALTER TABLE public.events_2027_01 ENABLE ROW LEVEL SECURITY")
    # new enable row security public.events_2027_02.
    op.execute("ALTER TABLE public.events_2027_02 ENABLE ROW LEVEL SECURITY")
    # new enable row security public.events_2027_03.
    op.execute("ALTER TABLE public.events_2027_03 ENABLE ROW LEVEL SECURITY")
    # new enable row security public.events_2027_04.
    op.execute("ALTER TABLE public.events_2027_04 ENABLE ROW LEVEL SECURITY")
    # new enable row security public.events_default.
    op.execute("ALTER TABLE public.events_default ENABLE ROW LEVEL SECURITY")
    # new policy public.events.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.events
            USING ((tenant_id = ( SELECT public.current_tenant_id()
            AS current_tenant_id)))
    """)
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # its rows
        op.execute("REFRESH MATERIALIZED VIEW public.monthly_sales")
        # fk_events_account_id: new rows from now on
        op.execute("""
            ALTER TABLE public.events ADD CONSTRAINT fk_events_account_id
                FOREIGN KEY (account_id) REFERENCES public.accounts(id)
                ON DELETE SET NULL NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("ALTER TABLE public.events VALIDATE CONSTRAINT fk_events_account_id")
        # fk_events_tenant_id: new rows from now on
        op.execute("""
            ALTER TABLE public.events ADD CONSTRAINT fk_events_tenant_id
                FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE
                NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("ALTER TABLE public.events VALIDATE CONSTRAINT fk_events_tenant_id")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # drop view public.own_sales
        op.execute("DROP VIEW public.own_sales")
        # drop materialized view public.monthly_sales
        op.execute("DROP MATERIALIZED VIEW public.monthly_sales")
        # drop public.events
        op.execute("DROP TABLE public.events")
        op.execute("RESET lock_timeout")
