"""merge insurer and given name

Revision ID: c2e5518f0d6b
Revises: 8a41f6d2c055, b7730e91d4f8
Create Date: 2021-06-23 08:10:12.447120

"""

# revision identifiers, used by Alembic.
revision = 'c2e5518f0d6b'
down_revision = ('8a41f6d2c055', 'b7730e91d4f8')
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
