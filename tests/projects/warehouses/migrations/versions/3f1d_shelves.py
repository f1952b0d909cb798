"""shelves"""

import sqlalchemy as sa
from alembic import op

revision = "3f1d"
down_revision = None


def upgrade(engine_name):
    globals()[f"upgrade_{engine_name}"]()


def downgrade(engine_name):
    globals()[f"downgrade_{engine_name}"]()


def upgrade_north():
    op.create_table("shelf", sa.Column("id", sa.Integer, primary_key=True))


def downgrade_north():
    op.drop_table("shelf")


def upgrade_south():
    op.create_table("shelf", sa.Column("code", sa.String(12), primary_key=True))


def downgrade_south():
    op.drop_table("shelf")
