# zd: plan 1d2ad55bbb422d35
"""Reviews of purchases; every account has a locale

Revision ID: c7b755032213
Revises: c0817dcccfe2
Create Date: 2026-11-22 20:16

Phase expand: may run while the previous release of the application is up.
"""

from alembic import op

revision = "c7b755032213"
down_revision = "c0817dcccfe2"
branch_labels = None
depends_on = None

phase = "expand"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # public.accounts.locale is required: new rows from now on
        op.execute("""
            ALTER TABLE public.accounts ADD CONSTRAINT accounts_locale_not_null
                NOT NULL locale NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.accounts VALIDATE CONSTRAINT accounts_locale_not_null
        """)
        # new column public.reviews.order_line_id
        op.execute("ALTER TABLE public.reviews ADD COLUMN order_line_id bigint")
        # ck_reviews_title_not_empty: new rows from now on
        op.execute("""
            ALTER TABLE public.reviews ADD CONSTRAINT ck_reviews_title_not_empty
                CHECK ((title <> ''::text)) NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.reviews VALIDATE CONSTRAINT ck_reviews_title_not_empty
        """)
        op.execute("RESET lock_timeout")
        # new index public.ix_reviews_order_line_id
        op.execute("""
            CREATE INDEX CONCURRENTLY ix_reviews_order_line_id ON public.reviews
                USING btree (order_line_id)
        """)
        op.execute("SET lock_timeout = '2s'")
        # fk_reviews_order_line_id: new rows from now on
        op.execute("""
            ALTER TABLE public.reviews ADD CONSTRAINT fk_reviews_order_line_id
                FOREIGN KEY (order_line_id) REFERENCES public.order_lines(id)
                ON DELETE SET NULL NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.reviews VALIDATE CONSTRAINT fk_reviews_order_line_id
        """)
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # drop fk_reviews_order_line_id
        op.execute("""
            ALTER TABLE public.reviews DROP CONSTRAINT fk_reviews_order_line_id
        """)
        op.execute("RESET lock_timeout")
        # drop public.ix_reviews_order_line_id
        op.execute("DROP INDEX CONCURRENTLY public.ix_reviews_order_line_id")
        op.execute("SET lock_timeout = '2s'")
        # drop ck_reviews_title_not_empty
        op.execute("""
            ALTER TABLE public.reviews DROP CONSTRAINT ck_reviews_title_not_empty
        """)
        # public.accounts.locale may be NULL
        op.execute("ALTER TABLE public.accounts ALTER COLUMN locale DROP NOT NULL")
        # drop public.reviews.order_line_id
        op.execute("ALTER TABLE public.reviews DROP COLUMN order_line_id")
        op.execute("RESET lock_timeout")
