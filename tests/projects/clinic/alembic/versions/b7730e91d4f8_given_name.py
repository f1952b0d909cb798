"""call it given name, and longer mail addresses

Revision ID: b7730e91d4f8
Revises: 5d90b1c3e7aa
Create Date: 2021-06-22 16:31:55.002781

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'b7730e91d4f8'
down_revision = '5d90b1c3e7aa'
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table('patients') as batch_op:
        batch_op.alter_column('firstname', new_column_name='given_name')
        batch_op.alter_column(
            'email', type_=sa.Text(), existing_type=sa.String(length=120))


def downgrade():
    with op.batch_alter_table('patients') as batch_op:
        batch_op.alter_column(
            'email', type_=sa.String(length=120), existing_type=sa.Text())
        batch_op.alter_column('given_name', new_column_name='firstname')
