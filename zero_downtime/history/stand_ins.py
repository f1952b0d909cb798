"""Stand-ins for what revisions import from packages that do not load here.

Most such imports are there for a column type. Its stand-in is written in the SQL by its name, as a
type of which nobody knows more. Whatever else a revision does with such a package (it calls a
function for its effect, or asks whether something is true) can't be told without it: then its
function raises HistoryError.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from sqlalchemy.types import UserDefinedType

from zero_downtime import environment
from zero_downtime.errors import HistoryError
from zero_downtime.sql.statement import Location

_OURS = {"alembic", "sqlalchemy"}  # nothing stands in for these


class _Used(Exception):
    """Something was asked of a stand-in that only the package itself could answer."""


class _Type(UserDefinedType[Any]):
    """What a call of a missing package gives: a column type, as far as anybody can tell."""

    cache_ok = False

    def __init__(self, name: str = "", revision: str = "") -> None:
        self.name = name
        self.revision = revision

    def get_col_spec(self, **options: Any) -> str:
        return '"' + self.name.replace('"', '""') + '"'

    def __getattr__(self, name: str) -> NoReturn:
        if not name.startswith("_"):
            self._refuse_revision()
        raise AttributeError(name)

    def _refuse(self, *arguments: object) -> NoReturn:
        raise _Used(self.name)

    def _refuse_revision(self) -> None:
        # SQLAlchemy and Alembic may ask such things of a type; the revision means the value.
        if sys._getframe(2).f_code.co_filename == self.revision:
            self._refuse()

    def __bool__(self) -> bool:
        self._refuse_revision()
        return True

    def __str__(self) -> str:
        self._refuse_revision()
        return self.name

    def __eq__(self, other: object) -> bool:
        self._refuse_revision()
        return self is other

    __hash__ = UserDefinedType.__hash__
    __iter__ = __contains__ = __getitem__ = __len__ = __enter__ = __exit__ = _refuse
    __lt__ = __gt__ = __le__ = __ge__ = __add__ = __radd__ = __mod__ = _refuse


class _Name(ModuleType):
    """A missing module, or a name in one."""

    _sqla_type = True  # a class of column types may be given uncalled

    def __init__(self, name: str, revision: str) -> None:
        super().__init__(name)
        self._revision = revision
        self.__path__ = []

    def __getattr__(self, name: str) -> _Name:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Name(f"{self.__name__}.{name}", self._revision)

    def __call__(self, *arguments: Any, **options: Any) -> _Type:
        return _Type(self.__name__, self._revision)

    def _refuse(self, *arguments: object) -> NoReturn:
        raise _Used(self.__name__)

    __hash__ = ModuleType.__hash__
    __bool__ = __str__ = __iter__ = __contains__ = __getitem__ = __len__ = __enter__ = __exit__ = (
        _refuse
    )
    __eq__ = __lt__ = __gt__ = __le__ = __ge__ = __add__ = __radd__ = __mod__ = __or__ = _refuse


class _Finder:
    """Gives stand-ins for modules of some packages; one of importlib's meta path finders."""

    def __init__(self, packages: set[str], revision: str) -> None:
        self._packages = packages
        self._revision = revision

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in self._packages:
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Name(spec.name, self._revision)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""


class Missing:
    """The packages that one revision file imports and that do not load here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tree = ast.parse(path.read_text("utf-8"))
        self._packages: set[str] = set()
        optional = {
            id(node)
            for attempt in ast.walk(self._tree)
            if isinstance(attempt, ast.Try)
            for statement in attempt.body
            for node in ast.walk(statement)
        }
        for node in ast.walk(self._tree):
            if id(node) not in optional:  # whoever tries has another way
                self._packages |= {name for name in _imported(node) if not _is_there(name)}

    def learns_from(self, error: ImportError) -> bool:
        """Whether there is a package, not known to be missing, whose import raised the error."""
        lines = environment.lines_in(error, self._path)
        imported = {
            name
            for node in ast.walk(self._tree)
            if lines and getattr(node, "lineno", 0) <= lines[-1] <= getattr(node, "end_lineno", 0)
            for name in _imported(node)
        }
        new = imported - self._packages - _OURS
        self._packages |= new
        return bool(new)

    @contextlib.contextmanager
    def stood_in(self) -> Iterator[None]:
        """Imports of the missing packages give stand-ins."""
        finder = _Finder(self._packages, str(self._path))
        before = _taken_out(self._packages)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            _taken_out(self._packages)
            sys.modules.update(before)

    @property
    def packages(self) -> tuple[str, ...]:
        """Their names, sorted."""
        return tuple(sorted(self._packages))

    def guard(self, module: ModuleType) -> None:
        """Let the functions of the revision refuse what can't be told without the packages."""
        for name, other in (("upgrade", "downgrade"), ("downgrade", "upgrade")):
            function = getattr(module, name, None)
            if callable(function):
                setattr(module, name, self._guarded(function, self._effect(other)))

    def _guarded(self, function: Callable[[], None], effect: ast.Call | None) -> Callable[[], None]:
        @functools.wraps(function)
        def guarded() -> None:
            if effect is not None:
                self._refuse(effect.lineno, f"it calls {ast.unparse(effect.func)}()")
            try:
                with self.stood_in():
                    function()
            except _Used as error:
                lines = environment.lines_in(error, self._path)
                self._refuse(lines[-1] if lines else 1, f"it uses {error}", error)
            except Exception as error:
                if f"{__name__}." not in str(error):  # SQLAlchemy minds what it was given
                    raise
                lines = environment.lines_in(error, self._path)
                self._refuse(lines[-1] if lines else 1, "it uses more than a type of it", error)

        return guarded

    def _refuse(self, line: int, reason: str, error: Exception | None = None) -> NoReturn:
        raise HistoryError(
            where=Location(environment.shown(self._path), line),
            reason=f"{reason}, and without {named(self.packages)} nobody knows what that does",
            advice="Install it beside zd, or check prepend_sys_path",
        ) from error

    def _effect(self, other: str) -> ast.Call | None:
        """A call of a missing package that is not there to give a column type.

        Such a one stands among the arguments of another call.
        """
        names = {
            (alias.asname or alias.name).partition(".")[0]
            for node in ast.walk(self._tree)
            if _imported(node) & self._packages
            for alias in node.names  # type: ignore[attr-defined]
        }
        for function in self._tree.body:
            if not isinstance(function, ast.FunctionDef) or function.name == other:
                continue
            types = {
                id(given)
                for call in ast.walk(function)
                if isinstance(call, ast.Call)
                for given in (*call.args, *(keyword.value for keyword in call.keywords))
            }
            for call in ast.walk(function):
                if not isinstance(call, ast.Call) or id(call) in types:
                    continue
                if _root(call.func) in names:
                    return call
        return None


def named(packages: Iterable[str]) -> str:
    """Packages as a sentence names them."""
    names = list(packages)
    return f"the package{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _imported(node: ast.AST) -> set[str]:
    """The packages that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {node.module.partition(".")[0]}
    return set()


def _is_there(package: str) -> bool:
    if package in sys.modules:
        return True
    with contextlib.suppress(ImportError, ValueError):
        return find_spec(package) is not None
    return False


def _taken_out(packages: set[str]) -> dict[str, ModuleType]:
    """Remove the loaded modules of some packages."""
    return {
        name: sys.modules.pop(name)
        for name in list(sys.modules)
        if name.partition(".")[0] in packages
    }


def _root(expression: ast.expr) -> str | None:
    while isinstance(expression, ast.Attribute | ast.Call):
        expression = expression.value if isinstance(expression, ast.Attribute) else expression.func
    return expression.id if isinstance(expression, ast.Name) else None
