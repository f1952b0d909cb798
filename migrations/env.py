"""How Alembic reaches the database: zd and plain ``alembic upgrade head`` both run this file."""

from __future__ import annotations

import os

from alembic import context
from alembic.util import CommandError
from sqlalchemy import URL, create_engine, make_url, pool

# There is no target_metadata: zd generate compares whole databases, which hold more than
# SQLAlchemy's metadata can say.


def database_url() -> URL:
    """DATABASE_URL, or sqlalchemy.url of alembic.ini; libpq's spelling is welcome."""
    ini = context.config.get_section(context.config.config_ini_section, {})
    given = os.environ.get("DATABASE_URL") or ini.get("sqlalchemy.url")
    if not given:
        raise CommandError("set DATABASE_URL, as in postgresql://user@host/database")
    url = make_url(given.replace("postgres://", "postgresql://", 1))
    # Without a driver's name SQLAlchemy's version would decide which one it is.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def run_offline() -> None:
    """Print the SQL; no database is asked."""
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},  # else each % of a statement is doubled
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run the revisions."""
    engine = create_engine(database_url(), poolclass=pool.NullPool)
    with engine.connect() as connection:
        # One transaction a revision: its locks end with it, and when a later revision fails the
        # earlier ones stay applied.
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
