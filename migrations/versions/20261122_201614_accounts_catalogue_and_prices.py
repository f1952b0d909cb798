# zd: plan af9fc7c3d6379725
"""Accounts, catalogue and prices

Revision ID: 48d1fa056179
Revises:
Create Date: 2026-11-22 20:16

Phase expand: may run while the previous release of the application is up.
"""

from alembic import op

revision = "48d1fa056179"
down_revision = None
branch_labels = None
depends_on = None

phase = "expand"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    # new extension btree_gist
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public")
    # new table public.accounts
    op.execute("""
        CREATE TABLE public.accounts (
            id bigint GENERATED ALWAYS AS IDENTITY,
            tenant_id bigint NOT NULL,
            email text NOT NULL,
            full_name character varying(100) NOT NULL,
            state text DEFAULT 'active'::text NOT NULL,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            updated_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT pk_accounts PRIMARY KEY (id),
            CONSTRAINT ck_accounts_email CHECK ((email ~~ '%_@_%'::text)),
            CONSTRAINT ck_accounts_state CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text, 'closed'::text])))
        )
    """)
    op.execute("COMMENT ON TABLE public.accounts IS 'A customer of one shop'")
    # new table public.addresses
    op.execute("""
        CREATE TABLE public.addresses (
            id bigint GENERATED ALWAYS AS IDENTITY,
            account_id bigint NOT NULL,
            kind text NOT NULL,
            recipient text NOT NULL,
            street text NOT NULL,
            city text NOT NULL,
            postal_code character varying(12),
            country character varying(2) NOT NULL,
            is_default boolean DEFAULT false NOT NULL,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT pk_addresses PRIMARY KEY (id),
            CONSTRAINT ck_addresses_country CHECK (((country)::text ~ '^[A-Z]{2}$'::text)),
            CONSTRAINT ck_addresses_kind CHECK ((kind = ANY (ARRAY['billing'::text, 'shipping'::text])))
        )
    """)
    op.execute("COMMENT ON COLUMN public.addresses.country IS 'ISO 3166-1 alpha-2'")
    # new table public.categories
    op.execute("""
        CREATE TABLE public.categories (
            id bigint GENERATED ALWAYS AS IDENTITY,
            tenant_id bigint NOT NULL,
            parent_id bigint,
            slug text NOT NULL,
            name text NOT NULL,
            CONSTRAINT pk_categories PRIMARY KEY (id),
            CONSTRAINT uq_categories_tenant_id_slug UNIQUE (tenant_id, slug),
            CONSTRAINT ck_categories_not_its_own_parent CHECK ((parent_id <> id))
        )
    """)
    # new table public.prices
    op.execute("""
        CREATE TABLE public.prices (
            id bigint GENERATED ALWAYS AS IDENTITY,
            variant_id bigint NOT NULL,
            currency character varying(3) NOT NULL,
            amount numeric(12,2) NOT NULL,
            valid tstzrange NOT NULL,
            CONSTRAINT pk_prices PRIMARY KEY (id),
            CONSTRAINT ex_prices_no_overlap EXCLUDE USING gist (variant_id WITH =, currency WITH =, valid WITH &&),
            CONSTRAINT ck_prices_amount_not_negative CHECK ((amount >= (0)::numeric)),
            CONSTRAINT ck_prices_currency CHECK (((currency)::text ~ '^[A-Z]{3}$'::text)),
            CONSTRAINT ck_prices_valid_not_empty CHECK ((NOT isempty(valid)))
        )
    """)
    op.execute("COMMENT ON COLUMN public.prices.currency IS 'ISO 4217'")
    op.execute("""
        COMMENT ON COLUMN public.prices.valid IS 'Open end: until further notice'
    """)
    # new table public.product_categories
    op.execute("""
        CREATE TABLE public.product_categories (
            product_id bigint NOT NULL,
            category_id bigint NOT NULL,
            CONSTRAINT pk_product_categories PRIMARY KEY (product_id, category_id)
        )
    """)
    # new table public.products
    op.execute("""
        CREATE TABLE public.products (
            id bigint GENERATED ALWAYS AS IDENTITY,
            tenant_id bigint NOT NULL,
            slug text NOT NULL,
            name character varying(200) NOT NULL,
            description text DEFAULT ''::text NOT NULL,
            state text DEFAULT 'draft'::text NOT NULL,
            search tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, (((name)::text || ' '::text) || description))) STORED NOT NULL,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            updated_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT pk_products PRIMARY KEY (id),
            CONSTRAINT uq_products_tenant_id_slug UNIQUE (tenant_id, slug),
            CONSTRAINT ck_products_state CHECK ((state = ANY (ARRAY['draft'::text, 'listed'::text, 'retired'::text])))
        )
    """)
    op.execute("""
        COMMENT ON COLUMN public.products.search IS
            'Derived by the server; never written'
    """)
    # new table public.tenants
    op.execute("""
        CREATE TABLE public.tenants (
            id bigint GENERATED ALWAYS AS IDENTITY,
            slug text NOT NULL,
            name text NOT NULL,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT pk_tenants PRIMARY KEY (id),
            CONSTRAINT uq_tenants_slug UNIQUE (slug),
            CONSTRAINT ck_tenants_slug_lower CHECK (((slug = lower(slug)) AND (slug <> ''::text)))
        )
    """)
    op.execute("""
        COMMENT ON TABLE public.tenants IS
            'A shop; everything else belongs to one, directly or through its parent'
    """)
    op.execute("""
        COMMENT ON COLUMN public.tenants.slug IS 'First part of the shop''s address'
    """)
    # new table public.variants
    op.execute("""
        CREATE TABLE public.variants (
            id bigint GENERATED ALWAYS AS IDENTITY,
            product_id bigint NOT NULL,
            sku character varying(40) NOT NULL,
            title text NOT NULL,
            weight_grams integer,
            attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT pk_variants PRIMARY KEY (id),
            CONSTRAINT uq_variants_product_id_sku UNIQUE (product_id, sku),
            CONSTRAINT ck_variants_weight_positive CHECK ((weight_grams > 0))
        )
    """)
    op.execute("""
        COMMENT ON COLUMN public.variants.sku IS
            'Stock keeping unit, as on the label'
    """)
    # index public.ix_addresses_account_id
    op.execute("""
        CREATE INDEX ix_addresses_account_id ON public.addresses
            USING btree (account_id)
    """)
    # index public.ix_categories_parent_id
    op.execute("""
        CREATE INDEX ix_categories_parent_id ON public.categories
            USING btree (parent_id)
    """)
    # index public.ix_product_categories_category_id
    op.execute("""
        CREATE INDEX ix_product_categories_category_id ON public.product_categories
            USING btree (category_id)
    """)
    # index public.ix_products_listed
    op.execute("""
        CREATE INDEX ix_products_listed ON public.products
            USING btree (tenant_id, name) WHERE (state = 'listed'::text)
    """)
    # index public.ix_products_search
    op.execute("""
        CREATE INDEX ix_products_search ON public.products USING gin (search)
    """)
    # index public.uq_accounts_email
    op.execute("""
        CREATE UNIQUE INDEX uq_accounts_email ON public.accounts
            USING btree (tenant_id, lower(email))
    """)
    # index public.uq_addresses_default
    op.execute("""
        CREATE UNIQUE INDEX uq_addresses_default ON public.addresses
            USING btree (account_id, kind) WHERE is_default
    """)
    # fk_accounts_tenant_id
    op.execute("""
        ALTER TABLE public.accounts ADD CONSTRAINT fk_accounts_tenant_id
            FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE RESTRICT
    """)
    # fk_addresses_account_id
    op.execute("""
        ALTER TABLE public.addresses ADD CONSTRAINT fk_addresses_account_id
            FOREIGN KEY (account_id) REFERENCES public.accounts(id)
            ON DELETE CASCADE
    """)
    # fk_categories_parent_id
    op.execute("""
        ALTER TABLE public.categories ADD CONSTRAINT fk_categories_parent_id
            FOREIGN KEY (parent_id) REFERENCES public.categories(id)
            ON DELETE RESTRICT
    """)
    # fk_categories_tenant_id
    op.execute("""
        ALTER TABLE public.categories ADD CONSTRAINT fk_categories_tenant_id
            FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE RESTRICT
    """)
    # fk_prices_variant_id
    op.execute("""
        ALTER TABLE public.prices ADD CONSTRAINT fk_prices_variant_id
            FOREIGN KEY (variant_id) REFERENCES public.variants(id)
            ON DELETE CASCADE
    """)
    # fk_product_categories_category_id
    op.execute("""
        ALTER TABLE public.product_categories
            ADD CONSTRAINT fk_product_categories_category_id
            FOREIGN KEY (category_id) REFERENCES public.categories(id)
            ON DELETE RESTRICT
    """)
    # fk_product_categories_product_id
    op.execute("""
        ALTER TABLE public.product_categories
            ADD CONSTRAINT fk_product_categories_product_id FOREIGN KEY (product_id)
            REFERENCES public.products(id) ON DELETE CASCADE
    """)
    # fk_products_tenant_id
    op.execute("""
        ALTER TABLE public.products ADD CONSTRAINT fk_products_tenant_id
            FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE RESTRICT
    """)
    # fk_variants_product_id
    op.execute("""
        ALTER TABLE public.variants ADD CONSTRAINT fk_variants_product_id
            FOREIGN KEY (product_id) REFERENCES public.products(id)
            ON DELETE CASCADE
    """)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # drop public.addresses
        op.execute("DROP TABLE public.addresses")
        # drop public.prices
        op.execute("DROP TABLE public.prices")
        # drop public.product_categories
        op.execute("DROP TABLE public.product_categories")
        # drop public.accounts
        op.execute("DROP TABLE public.accounts")
        # drop public.categories
        op.execute("DROP TABLE public.categories")
        # drop public.variants
        op.execute("DROP TABLE public.variants")
        # drop public.products
        op.execute("DROP TABLE public.products")
        # drop public.tenants
        op.execute("DROP TABLE public.tenants")
        # drop extension btree_gist
        op.execute("DROP EXTENSION btree_gist")
        op.execute("RESET lock_timeout")
