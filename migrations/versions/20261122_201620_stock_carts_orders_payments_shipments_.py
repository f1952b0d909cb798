# zd: plan 9951037ca24e0f0e
"""Stock, carts, orders, payments, shipments and reviews; shops kept apart

Revision ID: ab7fe818b2a7
Revises: 48d1fa056179
Create Date: 2026-11-22 20:16

Phase expand: may run while the previous release of the application is up.
"""

from alembic import op

revision = "ab7fe818b2a7"
down_revision = "48d1fa056179"
branch_labels = None
depends_on = None

phase = "expand"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    # new type public.order_state
    op.execute("""
        CREATE TYPE public.order_state AS ENUM (
            'placed',
            'paid',
            'shipped',
            'delivered',
            'cancelled'
        )
    """)
    # new function public.current_tenant_id()
    op.execute("""
        CREATE FUNCTION public.current_tenant_id() RETURNS bigint
            LANGUAGE sql STABLE
            AS $$SELECT nullif(current_setting('store.tenant_id', true), '')::bigint$$
    """)
    op.execute("""
        COMMENT ON FUNCTION public.current_tenant_id() IS
            'The tenant of this session, or NULL'
    """)
    # new function public.touch_updated_at()
    op.execute("""
CREATE FUNCTION public.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$
    """)
    op.execute("""
        COMMENT ON FUNCTION public.touch_updated_at() IS
            'Sets updated_at to the time of the transaction'
    """)
    # new table public.cart_lines
    op.execute("""
        CREATE TABLE public.cart_lines (
            cart_id bigint NOT NULL,
            variant_id bigint NOT NULL,
            quantity integer NOT NULL,
            CONSTRAINT pk_cart_lines PRIMARY KEY (cart_id, variant_id),
            CONSTRAINT ck_cart_lines_quantity_positive CHECK ((quantity > 0))
        )
    """)
    # new table public.carts
    op.execute("""
        CREATE TABLE public.carts (
            id bigint GENERATED ALWAYS AS IDENTITY,
            account_id bigint NOT NULL,
            state text DEFAULT 'open'::text NOT NULL,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT pk_carts PRIMARY KEY (id),
            CONSTRAINT ck_carts_state CHECK ((state = ANY (ARRAY['open'::text, 'ordered'::text, 'abandoned'::text])))
        )
    """)
    # new table public.order_lines
    op.execute("""
        CREATE TABLE public.order_lines (
            id bigint GENERATED ALWAYS AS IDENTITY,
            order_id bigint NOT NULL,
            variant_id bigint NOT NULL,
            quantity integer NOT NULL,
            unit_price numeric(12,2) NOT NULL,
            total numeric(12,2) GENERATED ALWAYS AS (((quantity)::numeric * unit_price)) STORED NOT NULL,
            CONSTRAINT pk_order_lines PRIMARY KEY (id),
            CONSTRAINT uq_order_lines_order_id_variant_id UNIQUE (order_id, variant_id),
            CONSTRAINT ck_order_lines_quantity_positive CHECK ((quantity > 0)),
            CONSTRAINT ck_order_lines_unit_price_not_negative CHECK ((unit_price >= (0)::numeric))
        )
    """)
    op.execute("""
        COMMENT ON COLUMN public.order_lines.unit_price IS
            'As agreed; prices change, orders do not'
    """)
    # new table public.orders
    op.execute("""
        CREATE TABLE public.orders (
            id bigint GENERATED ALWAYS AS IDENTITY,
            account_id bigint NOT NULL,
            shipping_address_id bigint NOT NULL,
            state public.order_state DEFAULT 'placed'::public.order_state NOT NULL,
            currency character varying(3) NOT NULL,
            placed_at timestamp with time zone DEFAULT now() NOT NULL,
            updated_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT pk_orders PRIMARY KEY (id),
            CONSTRAINT ck_orders_currency CHECK (((currency)::text ~ '^[A-Z]{3}$'::text))
        )
    """)
    op.execute("""
        COMMENT ON COLUMN public.orders.currency IS 'ISO 4217, of all its lines'
    """)
    # new table public.payments
    op.execute("""
        CREATE TABLE public.payments (
            id bigint GENERATED ALWAYS AS IDENTITY,
            order_id bigint NOT NULL,
            provider text NOT NULL,
            provider_reference text NOT NULL,
            amount numeric(12,2) NOT NULL,
            state text DEFAULT 'pending'::text NOT NULL,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            captured_at timestamp with time zone,
            CONSTRAINT pk_payments PRIMARY KEY (id),
            CONSTRAINT uq_payments_provider_provider_reference UNIQUE (provider, provider_reference),
            CONSTRAINT ck_payments_amount_positive CHECK ((amount > (0)::numeric)),
            CONSTRAINT ck_payments_captured_at CHECK (((captured_at IS NOT NULL) OR (state = ANY (ARRAY['pending'::text, 'failed'::text])))),
            CONSTRAINT ck_payments_state CHECK ((state = ANY (ARRAY['pending'::text, 'captured'::text, 'refunded'::text, 'failed'::text])))
        )
    """)
    op.execute("""
        COMMENT ON COLUMN public.payments.amount IS 'In the order''s currency'
    """)
    # new table public.reviews
    op.execute("""
        CREATE TABLE public.reviews (
            id bigint GENERATED ALWAYS AS IDENTITY,
            product_id bigint NOT NULL,
            account_id bigint NOT NULL,
            rating smallint NOT NULL,
            title text,
            body text DEFAULT ''::text NOT NULL,
            state text DEFAULT 'pending'::text NOT NULL,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT pk_reviews PRIMARY KEY (id),
            CONSTRAINT uq_reviews_product_id_account_id UNIQUE (product_id, account_id),
            CONSTRAINT ck_reviews_rating CHECK (((rating >= 1) AND (rating <= 5))),
            CONSTRAINT ck_reviews_state CHECK ((state = ANY (ARRAY['pending'::text, 'published'::text, 'rejected'::text])))
        )
    """)
    # new table public.shipment_lines
    op.execute("""
        CREATE TABLE public.shipment_lines (
            shipment_id bigint NOT NULL,
            order_line_id bigint NOT NULL,
            quantity integer NOT NULL,
            CONSTRAINT pk_shipment_lines PRIMARY KEY (shipment_id, order_line_id),
            CONSTRAINT ck_shipment_lines_quantity_positive CHECK ((quantity > 0))
        )
    """)
    # new table public.shipments
    op.execute("""
        CREATE TABLE public.shipments (
            id bigint GENERATED ALWAYS AS IDENTITY,
            order_id bigint NOT NULL,
            warehouse_id bigint NOT NULL,
            carrier character varying(40),
            tracking_number text,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            shipped_at timestamp with time zone,
            delivered_at timestamp with time zone,
            CONSTRAINT pk_shipments PRIMARY KEY (id),
            CONSTRAINT ck_shipments_delivered_after_shipped CHECK ((delivered_at >= shipped_at))
        )
    """)
    # new table public.stock_levels
    op.execute("""
        CREATE TABLE public.stock_levels (
            warehouse_id bigint NOT NULL,
            variant_id bigint NOT NULL,
            on_hand integer DEFAULT 0 NOT NULL,
            updated_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT pk_stock_levels PRIMARY KEY (warehouse_id, variant_id),
            CONSTRAINT ck_stock_levels_on_hand_not_negative CHECK ((on_hand >= 0))
        )
    """)
    # new table public.stock_reservations
    op.execute("""
        CREATE TABLE public.stock_reservations (
            order_line_id bigint NOT NULL,
            warehouse_id bigint NOT NULL,
            quantity integer NOT NULL,
            expires_at timestamp with time zone NOT NULL,
            released_at timestamp with time zone,
            CONSTRAINT pk_stock_reservations PRIMARY KEY (order_line_id, warehouse_id),
            CONSTRAINT ck_stock_reservations_quantity_positive CHECK ((quantity > 0))
        )
    """)
    # new table public.warehouses
    op.execute("""
        CREATE TABLE public.warehouses (
            id bigint GENERATED ALWAYS AS IDENTITY,
            tenant_id bigint NOT NULL,
            code character varying(12) NOT NULL,
            name text NOT NULL,
            CONSTRAINT pk_warehouses PRIMARY KEY (id),
            CONSTRAINT uq_warehouses_tenant_id_code UNIQUE (tenant_id, code)
        )
    """)
    # index public.ix_cart_lines_variant_id
    op.execute("""
        CREATE INDEX ix_cart_lines_variant_id ON public.cart_lines
            USING btree (variant_id)
    """)
    # index public.ix_carts_account_id
    op.execute("""
        CREATE INDEX ix_carts_account_id ON public.carts USING btree (account_id)
    """)
    # index public.ix_order_lines_variant_id
    op.execute("""
        CREATE INDEX ix_order_lines_variant_id ON public.order_lines
            USING btree (variant_id)
    """)
    # index public.ix_orders_of_account
    op.execute("""
        CREATE INDEX ix_orders_of_account ON public.orders
            USING btree (account_id, placed_at) INCLUDE (state)
    """)
    # index public.ix_orders_shipping_address_id
    op.execute("""
        CREATE INDEX ix_orders_shipping_address_id ON public.orders
            USING btree (shipping_address_id)
    """)
    # index public.ix_orders_to_fulfil
    op.execute("""
        CREATE INDEX ix_orders_to_fulfil ON public.orders USING btree (placed_at)
            WHERE (state = 'paid'::public.order_state)
    """)
    # index public.ix_payments_order_id
    op.execute("""
        CREATE INDEX ix_payments_order_id ON public.payments USING btree (order_id)
    """)
    # index public.ix_reviews_account_id
    op.execute("""
        CREATE INDEX ix_reviews_account_id ON public.reviews
            USING btree (account_id)
    """)
    # index public.ix_reviews_published
    op.execute("""
        CREATE INDEX ix_reviews_published ON public.reviews USING btree (product_id)
            INCLUDE (rating) WHERE (state = 'published'::text)
    """)
    # index public.ix_shipment_lines_order_line_id
    op.execute("""
        CREATE INDEX ix_shipment_lines_order_line_id ON public.shipment_lines
            USING btree (order_line_id)
    """)
    # index public.ix_shipments_order_id
    op.execute("""
        CREATE INDEX ix_shipments_order_id ON public.shipments
            USING btree (order_id)
    """)
    # index public.ix_shipments_warehouse_id
    op.execute("""
        CREATE INDEX ix_shipments_warehouse_id ON public.shipments
            USING btree (warehouse_id)
    """)
    # index public.ix_stock_levels_variant_id
    op.execute("""
        CREATE INDEX ix_stock_levels_variant_id ON public.stock_levels
            USING btree (variant_id)
    """)
    # index public.ix_stock_reservations_open
    op.execute("""
        CREATE INDEX ix_stock_reservations_open ON public.stock_reservations
            USING btree (expires_at) WHERE (released_at IS NULL)
    """)
    # index public.ix_stock_reservations_warehouse_id
    op.execute("""
        CREATE INDEX ix_stock_reservations_warehouse_id ON public.stock_reservations
            USING btree (warehouse_id)
    """)
    # index public.uq_carts_open
    op.execute("""
        CREATE UNIQUE INDEX uq_carts_open ON public.carts USING btree (account_id)
            WHERE (state = 'open'::text)
    """)
    # index public.uq_shipments_tracking
    op.execute("""
        CREATE UNIQUE INDEX uq_shipments_tracking ON public.shipments
            USING btree (carrier, tracking_number)
    """)
    # new trigger public.orders.orders_touch
    op.execute("""
        CREATE TRIGGER orders_touch BEFORE UPDATE ON public.orders
            FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
    """)
    # new trigger public.stock_levels.stock_levels_touch
    op.execute("""
        CREATE TRIGGER stock_levels_touch BEFORE UPDATE ON public.stock_levels
            FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
    """)
    # fk_cart_lines_cart_id
    op.execute("""
        ALTER TABLE public.cart_lines ADD CONSTRAINT fk_cart_lines_cart_id
            FOREIGN KEY (cart_id) REFERENCES public.carts(id) ON DELETE CASCADE
    """)
    # fk_order_lines_order_id
    op.execute("""
        ALTER TABLE public.order_lines ADD CONSTRAINT fk_order_lines_order_id
            FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE CASCADE
    """)
    # fk_payments_order_id
    op.execute("""
        ALTER TABLE public.payments ADD CONSTRAINT fk_payments_order_id
            FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT
    """)
    # fk_shipment_lines_order_line_id
    op.execute("""
        ALTER TABLE public.shipment_lines
            ADD CONSTRAINT fk_shipment_lines_order_line_id
            FOREIGN KEY (order_line_id) REFERENCES public.order_lines(id)
            ON DELETE RESTRICT
    """)
    # fk_shipment_lines_shipment_id
    op.execute("""
        ALTER TABLE public.shipment_lines
            ADD CONSTRAINT fk_shipment_lines_shipment_id FOREIGN KEY (shipment_id)
            REFERENCES public.shipments(id) ON DELETE CASCADE
    """)
    # fk_shipments_order_id
    op.execute("""
        ALTER TABLE public.shipments ADD CONSTRAINT fk_shipments_order_id
            FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT
    """)
    # fk_shipments_warehouse_id
    op.execute("""
        ALTER TABLE public.shipments ADD CONSTRAINT fk_shipments_warehouse_id
            FOREIGN KEY (warehouse_id) REFERENCES public.warehouses(id)
            ON DELETE RESTRICT
    """)
    # fk_stock_levels_warehouse_id
    op.execute("""
        ALTER TABLE public.stock_levels ADD CONSTRAINT fk_stock_levels_warehouse_id
            FOREIGN KEY (warehouse_id) REFERENCES public.warehouses(id)
            ON DELETE RESTRICT
    """)
    # fk_stock_reservations_order_line_id
    op.execute("""
        ALTER TABLE public.stock_reservations
            ADD CONSTRAINT fk_stock_reservations_order_line_id
            FOREIGN KEY (order_line_id) REFERENCES public.order_lines(id)
            ON DELETE CASCADE
    """)
    # fk_stock_reservations_warehouse_id
    op.execute("""
        ALTER TABLE public.stock_reservations
            ADD CONSTRAINT fk_stock_reservations_warehouse_id
            FOREIGN KEY (warehouse_id) REFERENCES public.warehouses(id)
            ON DELETE RESTRICT
    """)
    # new enable row security public.cart_lines.
    op.execute("ALTER TABLE public.cart_lines ENABLE ROW LEVEL SECURITY")
    # new enable row security public.carts.
    op.execute("ALTER TABLE public.carts ENABLE ROW LEVEL SECURITY")
    # new enable row security public.order_lines.
    op.execute("ALTER TABLE public.order_lines ENABLE ROW LEVEL SECURITY")
    # new enable row security public.orders.
    op.execute("ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY")
    # new policy public.cart_lines.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.cart_lines USING (((EXISTS ( SELECT
           FROM public.carts
          WHERE (carts.id = cart_lines.cart_id))) AND (EXISTS ( SELECT
           FROM public.variants
          WHERE (variants.id = cart_lines.variant_id)))))
    """)
    # new policy public.carts.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.carts USING ((EXISTS ( SELECT
           FROM public.accounts
          WHERE (accounts.id = carts.account_id))))
    """)
    # new policy public.order_lines.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.order_lines USING (((EXISTS ( SELECT
           FROM public.orders
          WHERE (orders.id = order_lines.order_id))) AND (EXISTS ( SELECT
           FROM public.variants
          WHERE (variants.id = order_lines.variant_id)))))
    """)
    # new policy public.orders.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.orders USING (((EXISTS ( SELECT
           FROM public.accounts
          WHERE (accounts.id = orders.account_id))) AND (EXISTS ( SELECT
           FROM public.addresses
          WHERE (addresses.id = orders.shipping_address_id)))))
    """)
    # new policy public.payments.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.payments USING ((EXISTS ( SELECT
           FROM public.orders
          WHERE (orders.id = payments.order_id))))
    """)
    # new policy public.reviews.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.reviews USING (((EXISTS ( SELECT
           FROM public.products
          WHERE (products.id = reviews.product_id))) AND (EXISTS ( SELECT
           FROM public.accounts
          WHERE (accounts.id = reviews.account_id)))))
    """)
    # new policy public.shipment_lines.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.shipment_lines USING (((EXISTS ( SELECT
           FROM public.shipments
          WHERE (shipments.id = shipment_lines.shipment_id))) AND (EXISTS ( SELECT
           FROM public.order_lines
          WHERE (order_lines.id = shipment_lines.order_line_id)))))
    """)
    # new policy public.shipments.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.shipments USING (((EXISTS ( SELECT
           FROM public.orders
          WHERE (orders.id = shipments.order_id))) AND (EXISTS ( SELECT
           FROM public.warehouses
          WHERE (warehouses.id = shipments.warehouse_id)))))
    """)
    # new policy public.stock_levels.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.stock_levels USING (((EXISTS ( SELECT
           FROM public.warehouses
          WHERE (warehouses.id = stock_levels.warehouse_id))) AND (EXISTS ( SELECT
           FROM public.variants
          WHERE (variants.id = stock_levels.variant_id)))))
    """)
    # new policy public.stock_reservations.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.stock_reservations USING (((EXISTS ( SELECT
           FROM public.order_lines
          WHERE (order_lines.id = stock_reservations.order_line_id))) AND (EXISTS ( SELECT
           FROM public.warehouses
          WHERE (warehouses.id = stock_reservations.warehouse_id)))))
    """)
    # new policy public.warehouses.own_tenant
    op.execute("""
        CREATE POLICY own_tenant ON public.warehouses
            USING ((tenant_id = ( SELECT public.current_tenant_id()
            AS current_tenant_id)))
    """)
    # new enable row security public.payments.
    op.execute("ALTER TABLE public.payments ENABLE ROW LEVEL SECURITY")
    # new enable row security public.reviews.
    op.execute("ALTER TABLE public.reviews ENABLE ROW LEVEL SECURITY")
    # new enable row security public.shipment_lines.
    op.execute("ALTER TABLE public.shipment_lines ENABLE ROW LEVEL SECURITY")
    # new enable row security public.shipments.
    op.execute("ALTER TABLE public.shipments ENABLE ROW LEVEL SECURITY")
    # new enable row security public.stock_levels.
    op.execute("ALTER TABLE public.stock_levels ENABLE ROW LEVEL SECURITY")
    # new enable row security public.stock_reservations.
    op.execute("ALTER TABLE public.stock_reservations ENABLE ROW LEVEL SECURITY")
    # new enable row security public.warehouses.
    op.execute("ALTER TABLE public.warehouses ENABLE ROW LEVEL SECURITY")
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # new trigger public.accounts.accounts_touch
        op.execute("""
            CREATE TRIGGER accounts_touch BEFORE UPDATE ON public.accounts
                FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
        """)
        # new trigger public.products.products_touch
        op.execute("""
            CREATE TRIGGER products_touch BEFORE UPDATE ON public.products
                FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
        """)
        # fk_cart_lines_variant_id: new rows from now on
        op.execute("""
            ALTER TABLE public.cart_lines ADD CONSTRAINT fk_cart_lines_variant_id
                FOREIGN KEY (variant_id) REFERENCES public.variants(id)
                ON DELETE CASCADE NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.cart_lines VALIDATE CONSTRAINT fk_cart_lines_variant_id
        """)
        # fk_carts_account_id: new rows from now on
        op.execute("""
            ALTER TABLE public.carts ADD CONSTRAINT fk_carts_account_id
                FOREIGN KEY (account_id) REFERENCES public.accounts(id)
                ON DELETE CASCADE NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("ALTER TABLE public.carts VALIDATE CONSTRAINT fk_carts_account_id")
        # fk_order_lines_variant_id: new rows from now on
        op.execute("""
            ALTER TABLE public.order_lines ADD CONSTRAINT fk_order_lines_variant_id
                FOREIGN KEY (variant_id) REFERENCES public.variants(id)
                ON DELETE RESTRICT NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.order_lines VALIDATE CONSTRAINT fk_order_lines_variant_id
        """)
        # fk_orders_account_id: new rows from now on
        op.execute("""
            ALTER TABLE public.orders ADD CONSTRAINT fk_orders_account_id
                FOREIGN KEY (account_id) REFERENCES public.accounts(id)
                ON DELETE RESTRICT NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("ALTER TABLE public.orders VALIDATE CONSTRAINT fk_orders_account_id")
        # fk_orders_shipping_address_id: new rows from now on
        op.execute("""
            ALTER TABLE public.orders ADD CONSTRAINT fk_orders_shipping_address_id
                FOREIGN KEY (shipping_address_id) REFERENCES public.addresses(id)
                ON DELETE RESTRICT NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.orders VALIDATE CONSTRAINT fk_orders_shipping_address_id
        """)
        # fk_reviews_account_id: new rows from now on
        op.execute("""
            ALTER TABLE public.reviews ADD CONSTRAINT fk_reviews_account_id
                FOREIGN KEY (account_id) REFERENCES public.accounts(id)
                ON DELETE CASCADE NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.reviews VALIDATE CONSTRAINT fk_reviews_account_id
        """)
        # fk_reviews_product_id: new rows from now on
        op.execute("""
            ALTER TABLE public.reviews ADD CONSTRAINT fk_reviews_product_id
                FOREIGN KEY (product_id) REFERENCES public.products(id)
                ON DELETE CASCADE NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.reviews VALIDATE CONSTRAINT fk_reviews_product_id
        """)
        # fk_stock_levels_variant_id: new rows from now on
        op.execute("""
            ALTER TABLE public.stock_levels ADD CONSTRAINT fk_stock_levels_variant_id
                FOREIGN KEY (variant_id) REFERENCES public.variants(id)
                ON DELETE RESTRICT NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.stock_levels VALIDATE CONSTRAINT
                fk_stock_levels_variant_id
        """)
        # fk_warehouses_tenant_id: new rows from now on
        op.execute("""
            ALTER TABLE public.warehouses ADD CONSTRAINT fk_warehouses_tenant_id
                FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE RESTRICT
                NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.warehouses VALIDATE CONSTRAINT fk_warehouses_tenant_id
        """)
        # new enable row security public.accounts.
        op.execute("ALTER TABLE public.accounts ENABLE ROW LEVEL SECURITY")
        # new enable row security public.addresses.
        op.execute("ALTER TABLE public.addresses ENABLE ROW LEVEL SECURITY")
        # new enable row security public.categories.
        op.execute("ALTER TABLE public.categories ENABLE ROW LEVEL SECURITY")
        # new policy public.accounts.own_tenant
        op.execute("""
            CREATE POLICY own_tenant ON public.accounts
                USING ((tenant_id = ( SELECT public.current_tenant_id()
                AS current_tenant_id)))
        """)
        # new policy public.addresses.own_tenant
        op.execute("""
            CREATE POLICY own_tenant ON public.addresses USING ((EXISTS ( SELECT
               FROM public.accounts
              WHERE (accounts.id = addresses.account_id))))
        """)
        # new policy public.categories.own_tenant
        op.execute("""
            CREATE POLICY own_tenant ON public.categories
                USING ((tenant_id = ( SELECT public.current_tenant_id()
                AS current_tenant_id)))
        """)
        # new policy public.prices.own_tenant
        op.execute("""
            CREATE POLICY own_tenant ON public.prices USING ((EXISTS ( SELECT
               FROM public.variants
              WHERE (variants.id = prices.variant_id))))
        """)
        # new policy public.product_categories.own_tenant
        op.execute("""
            CREATE POLICY own_tenant ON public.product_categories USING (((EXISTS ( SELECT
               FROM public.products
              WHERE (products.id = product_categories.product_id))) AND (EXISTS ( SELECT
               FROM public.categories
              WHERE (categories.id = product_categories.category_id)))))
        """)
        # new policy public.products.own_tenant
        op.execute("""
            CREATE POLICY own_tenant ON public.products
                USING ((tenant_id = ( SELECT public.current_tenant_id()
                AS current_tenant_id)))
        """)
        # new policy public.tenants.own_tenant
        op.execute("""
            CREATE POLICY own_tenant ON public.tenants
                USING ((id = ( SELECT public.current_tenant_id() AS current_tenant_id)))
        """)
        # new policy public.variants.own_tenant
        op.execute("""
            CREATE POLICY own_tenant ON public.variants USING ((EXISTS ( SELECT
               FROM public.products
              WHERE (products.id = variants.product_id))))
        """)
        # new enable row security public.prices.
        op.execute("ALTER TABLE public.prices ENABLE ROW LEVEL SECURITY")
        # new enable row security public.product_categories.
        op.execute("ALTER TABLE public.product_categories ENABLE ROW LEVEL SECURITY")
        # new enable row security public.products.
        op.execute("ALTER TABLE public.products ENABLE ROW LEVEL SECURITY")
        # new enable row security public.tenants.
        op.execute("ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY")
        # new enable row security public.variants.
        op.execute("ALTER TABLE public.variants ENABLE ROW LEVEL SECURITY")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        op.execute("ALTER TABLE public.variants DISABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE public.tenants DISABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE public.products DISABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE public.product_categories DISABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE public.prices DISABLE ROW LEVEL SECURITY")
        # drop policy public.variants.own_tenant
        op.execute("DROP POLICY own_tenant ON public.variants")
        # drop policy public.tenants.own_tenant
        op.execute("DROP POLICY own_tenant ON public.tenants")
        # drop policy public.products.own_tenant
        op.execute("DROP POLICY own_tenant ON public.products")
        # drop policy public.product_categories.own_tenant
        op.execute("DROP POLICY own_tenant ON public.product_categories")
        # drop policy public.prices.own_tenant
        op.execute("DROP POLICY own_tenant ON public.prices")
        # drop policy public.categories.own_tenant
        op.execute("DROP POLICY own_tenant ON public.categories")
        # drop policy public.addresses.own_tenant
        op.execute("DROP POLICY own_tenant ON public.addresses")
        # drop policy public.accounts.own_tenant
        op.execute("DROP POLICY own_tenant ON public.accounts")
        op.execute("ALTER TABLE public.categories DISABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE public.addresses DISABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE public.accounts DISABLE ROW LEVEL SECURITY")
        # drop trigger public.products.products_touch
        op.execute("DROP TRIGGER products_touch ON public.products")
        # drop trigger public.accounts.accounts_touch
        op.execute("DROP TRIGGER accounts_touch ON public.accounts")
        # drop public.cart_lines
        op.execute("DROP TABLE public.cart_lines")
        # drop public.payments
        op.execute("DROP TABLE public.payments")
        # drop public.reviews
        op.execute("DROP TABLE public.reviews")
        # drop public.shipment_lines
        op.execute("DROP TABLE public.shipment_lines")
        # drop public.stock_levels
        op.execute("DROP TABLE public.stock_levels")
        # drop public.stock_reservations
        op.execute("DROP TABLE public.stock_reservations")
        # drop public.carts
        op.execute("DROP TABLE public.carts")
        # drop public.order_lines
        op.execute("DROP TABLE public.order_lines")
        # drop public.shipments
        op.execute("DROP TABLE public.shipments")
        # drop public.orders
        op.execute("DROP TABLE public.orders")
        # drop public.warehouses
        op.execute("DROP TABLE public.warehouses")
        # drop function public.touch_updated_at()
        op.execute("DROP FUNCTION public.touch_updated_at()")
        # drop function public.current_tenant_id()
        op.execute("DROP FUNCTION public.current_tenant_id()")
        # drop type public.order_state
        op.execute("DROP TYPE public.order_state")
        op.execute("RESET lock_timeout")
