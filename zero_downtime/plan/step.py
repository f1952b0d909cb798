"""The values of a plan."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby


class Phase(StrEnum):
    """When a step may run relative to the deployment of the application.

    Expand: before; the running release does not notice. Backfill: rows are filled in batches.
    Contract: after no instance of the previous release is left, since it would break.
    """

    EXPAND = "expand"
    BACKFILL = "backfill"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Step:
    """One statement that the runner executes.

    ``alone``: it commits by itself, so that its locks end with it. Steps that are not alone share
    a transaction with their neighbours of the same ``group``: group 0 is what touches only what
    is new, every other one is an exchange that nobody sees half done.
    ``object`` names what it is about, ``why`` is a phrase for the reader of the revision.
    """

    sql: str
    object: str
    why: str = ""
    phase: Phase = Phase.EXPAND
    alone: bool = True
    group: int = 0


def transactions(steps: Iterable[Step]) -> Iterator[tuple[Step, ...]]:
    """The steps as they commit: what is alone by itself, the rest in groups."""
    for (alone, _), members in groupby(steps, key=lambda step: (step.alone, step.group)):
        if alone:
            yield from ((step,) for step in members)
        else:
            yield tuple(members)


def as_group(steps: Iterable[Step], number: int) -> list[Step]:
    """The steps in a transaction of their own, where they share one."""
    return [step if step.alone else replace(step, group=number) for step in steps]


@dataclass(frozen=True, slots=True)
class NotPlanned:
    """A difference that no step covers, and why."""

    object: str
    reason: str


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows or values that a step takes away for good."""

    object: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which they run, and all that they do not cover."""

    steps: tuple[Step, ...]
    not_planned: tuple[NotPlanned, ...] = ()
    noted: tuple[tuple[str, str], ...] = ()
    loses_data: tuple[Loss, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing to do and nothing left out."""
        return not self.steps and not self.not_planned

    def new_things_first(self, there: Container[str]) -> Plan:
        """The same steps, those that only make new things in front, in one transaction.

        ``there`` knows the objects that exist before the plan. Something new may need an altered
        thing after all: who uses this order proves it first.
        """
        makes = [
            step.phase is Phase.EXPAND and not step.alone and step.object not in there
            for step in self.steps
        ]
        steps = zip(self.steps, makes, strict=True)
        ordered = sorted(steps, key=lambda pair: not pair[1])  # stable: the rest keeps its order
        return replace(self, steps=tuple(step for step, _ in ordered))

    def parts(self) -> Iterator[Plan]:
        """The plan cut where the phase changes; a deployment may stand between two parts."""
        for phase, steps in groupby(self.steps, key=lambda step: step.phase):
            losses = self.loses_data if phase is Phase.CONTRACT else ()
            yield replace(self, steps=tuple(steps), loses_data=losses)
