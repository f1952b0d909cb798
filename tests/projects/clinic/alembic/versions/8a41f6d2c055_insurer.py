"""insurer

Revision ID: 8a41f6d2c055
Revises: 5d90b1c3e7aa
Create Date: 2021-06-20 11:45:03.900127

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '8a41f6d2c055'
down_revision = '5d90b1c3e7aa'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('patients', sa.Column('insurer', sa.String(length=60), nullable=True))
    op.execute("UPDATE patients SET insurer = 'none'; CREATE INDEX ix_patients_insurer ON patients (insurer);")
    op.alter_column('patients', 'insurer', nullable=False, server_default='none')


def downgrade():
    op.drop_index('ix_patients_insurer', table_name='patients')
    op.drop_column('patients', 'insurer')
