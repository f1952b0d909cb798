"""Every warehouse has its own database; all are migrated together."""

from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
names = [name.strip() for name in config.get_main_option("databases").split(",")]


def run_migrations() -> None:
    connections = {}
    for name in names:
        engine = engine_from_config(
            config.get_section(name), prefix="sqlalchemy.", poolclass=pool.NullPool
        )
        connections[name] = engine.connect()
    transactions = [connection.begin() for connection in connections.values()]
    try:
        for name, connection in connections.items():
            context.configure(connection=connection, upgrade_token=f"{name}_upgrades")
            context.run_migrations(engine_name=name)
        for transaction in transactions:
            transaction.commit()
    finally:
        for connection in connections.values():
            connection.close()


run_migrations()
