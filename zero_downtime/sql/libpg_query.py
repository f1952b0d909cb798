"""pglast's binding of libpg_query without the rest of pglast.

``import pglast.parser`` runs the package's ``__init__``, which imports the classes of all nodes and
all enumerations: a sixth of what it takes to lint a file, for nothing that is used here. So the
package is put in place unopened, and its parts are imported when somebody reads from them.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader, find_spec, module_from_spec
from types import ModuleType
from typing import Any

_USED = "pglast.parser"
_LAZY = ("ast", "enums")  # what the parser imports and needs for trees of Python objects only


@cache
def parser() -> Any:
    """The module ``pglast.parser``."""
    if "pglast" not in sys.modules:
        spec = PathFinder.find_spec("pglast")
        if spec is not None and spec.loader is not None:
            sys.modules["pglast"] = _Unopened(spec)
            try:
                return import_module(_USED)
            except ImportError:  # a pglast that is built in another way: as usual, then
                for name in [each for each in sys.modules if each.partition(".")[0] == "pglast"]:
                    del sys.modules[name]
    return import_module(_USED)


class _Unopened(ModuleType):
    """The package before anything but its parser was asked for."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self.__spec__ = spec
        self.__file__ = spec.origin
        self.__package__ = spec.name
        self.__loader__ = spec.loader
        self.__path__ = spec.submodule_search_locations or []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if _USED not in sys.modules or not hasattr(sys.modules[_USED], "parse_sql_json"):
            if name == "Error":
                return import_module("pglast.error").Error
            if name in _LAZY:
                vars(self)[name] = module = _lazy(f"pglast.{name}")
                return module
        assert self.__spec__ is not None and self.__spec__.loader is not None
        self.__class__ = ModuleType  # type: ignore[assignment]
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _lazy(name: str) -> ModuleType:
    """A module that is imported when something is read from it."""
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    spec.loader = LazyLoader(spec.loader)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
