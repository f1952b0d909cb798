"""Migrations to measure with: plain ones as projects write them, and forms of every kind."""

from __future__ import annotations

import random
from pathlib import Path
from textwrap import indent

from zero_downtime.project import find_project
from zero_downtime.schema.load import declared_statements
from zero_downtime.sql.forms import forms

_PLAIN = (
    "CREATE TABLE {t}_{n} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,"
    " created_at timestamptz NOT NULL DEFAULT now(), owner_id bigint REFERENCES t1 (id))",
    "ALTER TABLE {t} ADD COLUMN c{n} text",
    "ALTER TABLE {t} ADD COLUMN d{n} integer NOT NULL DEFAULT 0",
    "CREATE INDEX CONCURRENTLY ix_{n} ON {t} (name)",
    "CREATE INDEX ixb_{n} ON {t} (name, id)",
    "ALTER TABLE {t} ADD CONSTRAINT fk_{n} FOREIGN KEY (owner_id) REFERENCES t2 (id) NOT VALID",
    "ALTER TABLE {t} VALIDATE CONSTRAINT fk_{n}",
    "UPDATE {t} SET name = 'x' WHERE id = {i}",
    "INSERT INTO {t} (id, name) VALUES ({i}, 'a{n}')",
    "DROP INDEX CONCURRENTLY IF EXISTS ix_{n}",
    "COMMENT ON TABLE {t} IS 'table {n}'",
    "SET lock_timeout = '2s'",
)


def sql_files(folder: Path, files: int, statements: int = 10) -> Path:
    """A folder of migrations; of twelve statements one is a form of the lock model."""
    source = random.Random(files)
    others = [form.sql for family in forms().values() for form in family]
    folder.mkdir(parents=True)
    for file in range(files):
        lines = []
        for number in range(statements):
            chosen = source.choice((*_PLAIN, None))
            if chosen is None:
                lines.append(source.choice(others))
            else:
                table = f"t{source.randrange(400)}"
                lines.append(chosen.format(t=table, n=f"{file}_{number}", i=number))
        (folder / f"{file:05}.sql").write_text(";\n".join(lines) + ";\n")
    return folder


_ENV = """
from alembic import context

context.configure(url="postgresql://localhost/nowhere", literal_binds=True)
with context.begin_transaction():
    context.run_migrations()
"""

_REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "r{number:04}"
down_revision = {before}


def upgrade():
{up}


def downgrade():
{down}
"""

_PAIRS = (
    (
        'op.create_table("t{n}", sa.Column("id", sa.BigInteger, primary_key=True),\n'
        '    sa.Column("name", sa.Text, nullable=False), sa.Column("owner", sa.BigInteger))\n'
        'op.create_index("ix_t{n}", "t{n}", ["name"])',
        'op.drop_table("t{n}")',
    ),
    (
        'op.add_column("t{t}", sa.Column("c{n}", sa.Text))\n'
        'op.create_index("ix_c{n}", "t{t}", ["c{n}"])',
        'op.drop_index("ix_c{n}", "t{t}")\nop.drop_column("t{t}", "c{n}")',
    ),
    (
        'op.alter_column("t{t}", "name", type_=sa.String(100))',
        'op.alter_column("t{t}", "name", type_=sa.Text)',
    ),
    ("op.execute(\"UPDATE t{t} SET name = name || '!' WHERE id = {n}\")", "pass"),
    (
        'op.create_foreign_key("fk_{n}", "t{t}", "t0", ["owner"], ["id"])',
        'op.drop_constraint("fk_{n}", "t{t}")',
    ),
    (
        'op.create_unique_constraint("uq_{n}", "t{t}", ["name"])',
        'op.drop_constraint("uq_{n}", "t{t}")',
    ),
)


def alembic_history(folder: Path, revisions: int) -> Path:
    """A project with an Alembic history, each revision with its way back."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    (folder / "migrations" / "env.py").write_text(_ENV)
    (folder / "migrations" / "script.py.mako").write_text("")
    for number in range(revisions):
        kind = number % len(_PAIRS)
        up, down = (text.format(n=number, t=number - kind) for text in _PAIRS[kind])
        (versions / f"{number:04}.py").write_text(
            _REVISION.format(
                number=number,
                before=f'"r{number - 1:04}"' if number else None,
                up=indent(up, "    "),
                down=indent(down, "    "),
            )
        )
    return folder


_BASE = """
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
"""
_IMPORTS = """
from datetime import datetime
from decimal import Decimal

from schemas.base import Base
from sqlalchemy import (
    BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, Index, Numeric, String, func
)
from sqlalchemy.orm import Mapped, mapped_column
"""
_MODEL = """

class T{n}(Base):
    __tablename__ = "t{n}"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        Index("ix_t{n}_open", "placed_at", postgresql_where="state = 'open'"),
        {{"comment": "Table {n}"}},
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("t{parent}.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(server_default="open")
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2), server_default="0")
    placed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    changed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    note: Mapped[str | None]
"""
_ONLINE = """
import os

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""


def models(folder: Path, tables: int, revisions: int) -> Path:
    """A project whose head is what its models are."""
    schemas, versions = folder / "schemas", folder / "migrations" / "versions"
    for each in (schemas, versions):
        each.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[tool.alembic]\nscript_location = "%(here)s/migrations"\n'
        '[tool.zero_downtime]\nschemas = "schemas"\n'
    )
    (folder / "migrations" / "env.py").write_text(_ONLINE)
    (schemas / "__init__.py").write_text("")
    (schemas / "base.py").write_text(_BASE)
    for module in range(0, tables, 10):
        text = "".join(_MODEL.format(n=n, parent=n // 2) for n in range(module, module + 10))
        (schemas / f"m{module:03}.py").write_text(_IMPORTS + text)
    statements = declared_statements(find_project(folder / "pyproject.toml"))
    for number in range(revisions):
        begin, end = (len(statements) * n // revisions for n in (number, number + 1))
        up = "\n".join(f"    op.execute({sql!r})" for sql in statements[begin:end])
        (versions / f"{number:04}.py").write_text(
            _REVISION.format(
                number=number,
                before=f'"r{number - 1:04}"' if number else None,
                up=up,
                down="    pass",
            )
        )
    return folder
