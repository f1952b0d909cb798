# zd: plan 75895dfcad52f582
"""Embeddings of products

Revision ID: ecbf83488365
Revises: b80c7b780c22
Create Date: 2026-11-22 20:17

Phase expand: may run while the previous release of the application is up.
"""

from alembic import op

revision = "ecbf83488365"
down_revision = "b80c7b780c22"
branch_labels = None
depends_on = None

phase = "expand"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    # new extension vector
    op.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        # new column public.products.embedding
        op.execute("""
            ALTER TABLE public.products ADD COLUMN embedding public.vector(384)
        """)
        # new column public.products.embedding_model
        op.execute("ALTER TABLE public.products ADD COLUMN embedding_model text")
        # ck_products_embedding_model: new rows from now on
        op.execute("""
            ALTER TABLE public.products ADD CONSTRAINT ck_products_embedding_model
                CHECK (((embedding IS NULL) = (embedding_model IS NULL))) NOT VALID
        """)
        # all rows, while readers and writers go on
        op.execute("""
            ALTER TABLE public.products VALIDATE CONSTRAINT ck_products_embedding_model
        """)
        op.execute("""
            COMMENT ON COLUMN public.products.embedding IS
                'Of name and description; NULL until computed'
        """)
        op.execute("RESET lock_timeout")
        # new index public.ix_products_embedding
        op.execute("""
            CREATE INDEX CONCURRENTLY ix_products_embedding ON public.products
                USING hnsw (embedding public.vector_cosine_ops)
                WITH (m='16', ef_construction='64')
        """)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        # drop public.ix_products_embedding
        op.execute("DROP INDEX CONCURRENTLY public.ix_products_embedding")
        op.execute("SET lock_timeout = '2s'")
        # drop ck_products_embedding_model
        op.execute("""
            ALTER TABLE public.products DROP CONSTRAINT ck_products_embedding_model
        """)
        # drop public.products.embedding
        op.execute("ALTER TABLE public.products DROP COLUMN embedding")
        # drop public.products.embedding_model
        op.execute("ALTER TABLE public.products DROP COLUMN embedding_model")
        # drop extension vector
        op.execute("DROP EXTENSION vector")
        op.execute("RESET lock_timeout")
