"""psycopg in the place of drivers that a project names and that are not installed here."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from psycopg import ClientCursor
from psycopg.adapt import RecursiveDumper
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, PGDialectAsync_psycopg
from sqlalchemy.engine.interfaces import BindTyping, Dialect

# Drivers that psycopg may take the place of when they are not installed beside zd.
DRIVERS = ("asyncpg", "psycopg2", "psycopg2cffi", "pg8000")
_UNTYPED = ("psycopg2", "psycopg2cffi")
_DEPENDENCIES = (
    *("requirements*.txt", "requirements/*.txt", "requirements/*.in", "environment*.y*ml"),
    *("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "alembic.ini"),
)


class _List(RecursiveDumper):
    """A list as the constructor ARRAY[…], which takes its type from what it holds."""

    _around = b"ARRAY[%s]"

    def dump(self, obj: Sequence[Any]) -> bytes:
        return self.quote(obj)

    def quote(self, obj: Sequence[Any]) -> bytes:
        held = b", ".join(bytes(self._tx.as_literal(each)) for each in obj)
        return self._around % held if obj else b"'{}'"


class _Tuple(_List):
    """A tuple as what stands behind IN."""

    _around = b"(%s)"


class _StandIn:
    """The text of exec_driver_sql() without parameters runs as it is, with any % in it."""

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        cursor.execute(statement, None if is_plain(context, parameters) else parameters)


class _AsynchronousPsycopg(_StandIn, PGDialectAsync_psycopg):
    supports_statement_cache = True


class TypedPsycopg(_StandIn, PGDialect_psycopg):
    """psycopg in the place of asyncpg or pg8000, which send types as well."""

    supports_statement_cache = True

    @classmethod
    def get_async_dialect_cls(cls, url: Any) -> type[Dialect]:
        return _AsynchronousPsycopg


class UntypedPsycopg(_StandIn, PGDialect_psycopg):
    """psycopg in psycopg2's manner: values stand in the statement, as literals without a type.

    Both drivers take ``'0'`` for an integer column; with psycopg SQLAlchemy sends
    ``'0'::VARCHAR``, which the server refuses there (42804). Histories that were written for
    psycopg2 rely on it: https://www.psycopg.org/psycopg3/docs/basic/from_pg2.html
    """

    supports_statement_cache = True
    bind_typing = BindTyping.NONE

    def __init__(
        self,
        executemany_mode: object = None,  # which create_engine() takes for psycopg2 only
        executemany_batch_page_size: object = None,
        **options: Any,
    ) -> None:
        super().__init__(**{"native_inet_types": False, **options})  # type: ignore[no-untyped-call]
        if adapters := self._psycopg_adapters_map:
            adapters.register_dumper(list, _List)
            adapters.register_dumper(tuple, _Tuple)

    def create_connect_args(self, url: Any) -> Any:
        arguments, options = super().create_connect_args(url)  # type: ignore[no-untyped-call]
        return arguments, {**options, "cursor_factory": ClientCursor}


def is_plain(context: Any, parameters: Any) -> bool:
    """Whether a stand-in gets a text that SQLAlchemy did not write, and no parameters."""
    return (
        not parameters
        and isinstance(getattr(context, "dialect", None), _StandIn)
        and context.compiled is None
    )


@contextlib.contextmanager
def standing_in(names: set[str]) -> Iterator[None]:
    """Let psycopg answer for these drivers, each in its own manner."""
    known = dict(registry.impls)
    for name in names:
        dialect = UntypedPsycopg if name in _UNTYPED else TypedPsycopg
        registry.register(f"postgresql.{name}", __name__, dialect.__name__)
    if "psycopg2" in names:  # SQLAlchemy 2.0 means it by postgresql://
        registry.register("postgresql", __name__, UntypedPsycopg.__name__)
    try:
        yield
    finally:
        registry.impls.clear()
        registry.impls.update(known)


def lacks_psycopg2(root: Path) -> bool:
    """Whether a project's dependencies name psycopg2, and it is not installed here.

    Then ``postgresql://`` means psycopg2 there, as it does before SQLAlchemy 2.1. A project that
    names psycopg as well is not taken for one. The files are looked for in the project's folder
    and those above, to the top of its Git repository.
    """
    if find_spec("psycopg2") is not None:
        return False
    folders = [root, *root.parents]
    tops = [place for place, folder in enumerate(folders) if (folder / ".git").exists()]
    texts = [
        path.read_text(errors="replace")
        for folder in folders[: tops[0] + 1 if tops else 1]
        for pattern in _DEPENDENCIES
        for path in folder.glob(pattern)
        if path.is_file()
    ]
    return set(re.findall(r"\bpsycopg[23]?\b", "\n".join(texts))) == {"psycopg2"}
