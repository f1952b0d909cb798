from alembic import context
from sqlalchemy import create_engine

from ledger.settings import settings


def run_offline() -> None:
    context.configure(url=settings.database.url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    engine = create_engine(
        settings.database.url,
        echo=settings.echo,
        connect_args={"application_name": "ledger-migrations"},
    )
    with engine.connect() as connection:
        context.configure(connection=connection, version_table="ledger_version")
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
