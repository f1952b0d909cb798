"""Facts by name, with the way back from what they refer to, and with their changes undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter, is_
from typing import Any, Generic, TypeVar

Fact = TypeVar("Fact")
Refers = Callable[[Fact], Sequence[str]]


def _to_nothing(fact: object) -> Sequence[str]:
    return ()


class Directory(dict[str, Fact], Generic[Fact]):
    """A dictionary that finds the facts that refer to something without reading them all.

    What a fact refers to is told by ``refers``, which looks at the attributes ``by``. What the
    directory held at the last :meth:`mark` is kept.
    """

    def __init__(self, refers: Refers[Fact] = _to_nothing, by: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._refers = refers
        self._by = by
        self._looks_at: Any = attrgetter(*by, *by[:1]) if by else None  # always a tuple
        self._referring: dict[str, dict[str, None]] = {}
        self._targets: dict[str, Sequence[str]] = {}  # what each fact refers to, if anything
        self._marked: dict[str, Fact | None] = {}  # what has changed since, as it was

    def __setitem__(self, name: str, fact: Fact) -> None:
        old = self.get(name)
        if name not in self._marked:
            self._marked[name] = old
        super().__setitem__(name, fact)
        if old is None or not self._refers_alike(old, fact):
            self._relink(name, self._refers(fact))

    def __delitem__(self, name: str) -> None:
        old = self[name]
        if name not in self._marked:
            self._marked[name] = old
        super().__delitem__(name)
        self._relink(name, ())

    def pop(self, name: str, default: Fact | None = None) -> Fact | None:  # type: ignore[override]
        """Remove a fact, if it is there, and return it."""
        fact = self.get(name, default)
        if name in self:
            del self[name]
        return fact

    def _refers_alike(self, old: Fact, new: Fact) -> bool:
        if not self._by:
            return self._refers is _to_nothing
        return all(map(is_, self._looks_at(old), self._looks_at(new)))

    def _relink(self, name: str, new: Sequence[str]) -> None:
        old = self._targets.get(name, ())
        if old == new or not (old or new):
            return
        for target in old:
            self._referring[target].pop(name, None)
        for target in new:
            self._referring.setdefault(target, {})[name] = None
        if new:
            self._targets[name] = new
        else:
            del self._targets[name]

    def referring(self, target: str) -> Iterable[str]:
        """The names of the facts that refer to something."""
        return self._referring.get(target, ())

    def copy(self) -> Directory[Fact]:
        """An independent directory with the same content."""
        other = Directory(self._refers, self._by)
        dict.update(other, self)
        other._referring = {target: dict(names) for target, names in self._referring.items()}
        other._targets = dict(self._targets)
        other._marked = dict(self._marked)
        return other

    def mark(self) -> None:
        """Keep the present content for :meth:`rewind`."""
        self._marked.clear()

    def rewind(self) -> None:
        """Go back to the content at the mark."""
        marked, self._marked = self._marked, {}
        for name, fact in marked.items():
            if fact is not None:
                self[name] = fact
            else:
                self.pop(name)
        self._marked.clear()

    def at_mark(self) -> AtMark[Fact]:
        """The content at the mark, to be read while this directory stays as it is."""
        return AtMark(self, self._marked, self._refers)


class AtMark(Mapping[str, Fact], Generic[Fact]):
    """What a directory held at its mark. Nothing is copied for it."""

    def __init__(
        self, now: Directory[Fact], marked: Mapping[str, Fact | None], refers: Refers[Fact]
    ) -> None:
        self._now = now
        self._marked = marked
        self._refers = refers

    def __getitem__(self, name: str) -> Fact:
        if name not in self._marked:
            return self._now[name]
        fact = self._marked[name]
        if fact is None:
            raise KeyError(name)
        return fact

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._now if name not in self._marked)
        yield from (name for name, fact in self._marked.items() if fact is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def referring(self, target: str) -> Iterable[str]:
        """The names of the facts that referred to something."""
        yield from (name for name in self._now.referring(target) if name not in self._marked)
        for name, fact in self._marked.items():
            if fact is not None and target in self._refers(fact):
                yield name
