"""appointments

Revision ID: 5d90b1c3e7aa
Revises: 1c7e0f2a9b31
Create Date: 2021-04-11 09:02:17.504418

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '5d90b1c3e7aa'
down_revision = '1c7e0f2a9b31'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('appointments',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('patient_id', sa.Integer(), nullable=False),
    sa.Column('doctor_id', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['doctor_id'], ['doctors.id'], ),
    sa.ForeignKeyConstraint(['patient_id'], ['patients.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('patients', schema=None) as batch_op:
        batch_op.add_column(sa.Column('updated_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index('ix_patients_surname', ['surname'], unique=False)

    op.execute("""
        CREATE FUNCTION touch_updated_at() RETURNS trigger AS $$
        BEGIN
            NEW.updated_at := now();
            RETURN NEW;
        END;
        $$ LANGUAGE plpgsql;

        CREATE TRIGGER patients_touch BEFORE UPDATE ON patients
            FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

        UPDATE patients SET updated_at = now() WHERE updated_at IS NULL;
        ALTER TABLE patients ALTER COLUMN updated_at SET NOT NULL;
        ALTER TABLE patients ALTER COLUMN updated_at SET DEFAULT now();
    """)


def downgrade():
    op.execute("""
        DROP TRIGGER patients_touch ON patients;
        DROP FUNCTION touch_updated_at();
    """)
    with op.batch_alter_table('patients', schema=None) as batch_op:
        batch_op.drop_index('ix_patients_surname')
        batch_op.drop_column('updated_at')

    op.drop_table('appointments')
