"""what kind of account it is, guessed from its tags"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    bind = op.get_bind()
    # Some installations got the column by hand when the auditors came.
    columns = {column["name"] for column in sa.inspect(bind).get_columns("account")}
    if "kind" not in columns:
        op.add_column("account", sa.Column("kind", sa.String(16)))

    for id_, tags in bind.execute(sa.text("SELECT id, tags FROM account WHERE kind IS NULL")).fetchall():
        kind = "savings" if (tags or {}).get("savings") else "current"
        bind.execute(
            sa.text("UPDATE account SET kind = :kind WHERE id = :id"), {"kind": kind, "id": id_}
        )

    op.alter_column("account", "kind", nullable=False)


def downgrade() -> None:
    op.drop_column("account", "kind")
