"""length of appointments, cancelled ones

Revision ID: d91c3a7746e0
Revises: c2e5518f0d6b
Create Date: 2021-09-14 13:22:08.612274

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'd91c3a7746e0'
down_revision = 'c2e5518f0d6b'
branch_labels = None
depends_on = None


def upgrade():
    op.execute("UPDATE appointments SET minutes = 15 WHERE minutes IS NULL")
    with op.batch_alter_table('appointments') as batch_op:
        batch_op.alter_column('minutes', existing_type=sa.Integer(), nullable=False)
        batch_op.add_column(sa.Column(
            'cancelled', sa.Boolean(), server_default=sa.text('false'), nullable=False))
        batch_op.create_check_constraint('appointments_minutes_check', 'minutes BETWEEN 5 AND 240')
        batch_op.create_unique_constraint('one_at_a_time', ['doctor_id', 'starts_at'])


def downgrade():
    with op.batch_alter_table('appointments') as batch_op:
        batch_op.drop_constraint('one_at_a_time', type_='unique')
        batch_op.drop_constraint('appointments_minutes_check', type_='check')
        batch_op.drop_column('cancelled')
        batch_op.alter_column('minutes', existing_type=sa.Integer(), nullable=True)
