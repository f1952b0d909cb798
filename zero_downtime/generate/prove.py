"""Plan between two scratch databases and prove that the plan leads from one to the other."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg

from zero_downtime.catalog import Catalog, Identity, compare, compare_stable, read_catalog, settled
from zero_downtime.plan import NotPlanned, Plan, Step, plan, transactions
from zero_downtime.postgres.server import Server, scratch_database

# CREATE OR REPLACE can append columns to a view and change the body of a function, nothing else.
_REPLACED = re.compile(r"CREATE OR REPLACE (?:VIEW|FUNCTION|PROCEDURE|AGGREGATE) ")


@dataclass(frozen=True)
class Proof:
    """What came out when the steps were run on a copy."""

    converged: bool
    failed: Step | None = None  # the step that the server refused
    reason: str = ""
    differences: tuple[str, ...] = ()  # what is left between the result and the target


@dataclass(frozen=True)
class ProvenPlan:
    """A plan and the proof that it converges."""

    plan: Plan
    proof: Proof

    @property
    def not_planned(self) -> tuple[NotPlanned, ...]:
        """What the planner left out, and what the proof found to be wrong with its plan."""
        if self.plan.not_planned or self.proof.converged:
            return self.plan.not_planned
        failed = self.proof.failed
        if failed is not None:
            sql = " ".join(failed.sql.split())
            reason = f"the scratch server refuses {sql!r} ({self.proof.reason})"
            return (NotPlanned(failed.object, reason),)
        return tuple(
            NotPlanned(difference.split(": ")[1], f"the plan leaves a difference, {difference}")
            for difference in self.proof.differences
        )


def plan_and_prove(server: Server, database: str, old: Catalog, new: Catalog) -> ProvenPlan:
    """The plan from ``old``, whose objects are in ``database``, to ``new``, run on a copy.

    Raises MajorMismatch.
    """
    old, new = settled(server, old, new)
    comparison = compare(old, new)
    asked: set[Identity] = set()
    while True:
        in_order = plan(comparison, old, new, asked)
        planned = in_order.new_things_first({str(identity) for identity in old.facts})
        proof = prove(server, database, planned.steps, new)
        if not proof.converged and planned != in_order:
            planned, proof = in_order, prove(server, database, in_order.steps, new)
        refused = _to_make_anew(proof, old)
        if refused is None or refused in asked:
            return ProvenPlan(planned, proof)
        asked.add(refused)


def prove(server: Server, database: str, steps: tuple[Step, ...], target: Catalog) -> Proof:
    """Run the steps on a copy of ``database`` and compare its catalog with the target."""
    with scratch_database(server, template=database) as copy:
        try:
            run_steps(server, copy, steps)
        except StepRefused as refused:
            return Proof(False, failed=refused.step, reason=refused.reason)
        reached = read_catalog(server, copy, ignore=target.ignore)
        comparison = compare_stable(server, reached, target)
        return Proof(comparison.equal, differences=tuple(comparison.describe()))


def run_steps(server: Server, database: str, steps: tuple[Step, ...]) -> None:
    """Run steps as the revision would: alone, or sharing a transaction. Raises StepRefused."""
    with server.connect(database) as connection:
        for together in transactions(steps):
            if together[0].alone:
                _run(connection, together[0])
                continue
            with connection.transaction():
                for step in together:
                    _run(connection, step)


class StepRefused(Exception):
    """The server refused a step."""

    def __init__(self, step: Step, error: psycopg.Error) -> None:
        self.step = step
        self.reason = error.diag.message_primary or " ".join(str(error).split())
        super().__init__(f"{step.sql}: {self.reason}")


def _run(connection: psycopg.Connection[tuple[object, ...]], step: Step) -> None:
    try:
        connection.execute(step.sql.encode())
    except psycopg.Error as error:
        raise StepRefused(step, error) from error


def _to_make_anew(proof: Proof, old: Catalog) -> Identity | None:
    step = proof.failed
    if step is None or not _REPLACED.match(step.sql):
        return None
    return next((identity for identity in old.facts if str(identity) == step.object), None)
