"""Plan between two scratch databases and prove that the plan leads from one to the other.

The server has the last word: what it refuses to replace is made anew, what it refuses because
something is missing or in the way comes later, and what is left after a plan is planned again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import psycopg

from zero_downtime.catalog import Catalog, Identity, compare, compare_stable, read_catalog, settled
from zero_downtime.plan import NotPlanned, Plan, Step, plan, transactions
from zero_downtime.postgres.server import Server, scratch_database

# CREATE OR REPLACE can append columns to a view and change the body of a function, nothing else.
_REPLACED = re.compile(r"CREATE OR REPLACE (?:VIEW|FUNCTION|PROCEDURE|AGGREGATE) ")
# Refused while a column of another table, an array or a composite type is made of it.
_ALTERED_TYPE = re.compile(
    r"ALTER (?P<kind>TYPE|DOMAIN) (?P<name>(?:\"(?:[^\"]|\"\")+\"|[\w$.])+) "
    r"(?:ALTER ATTRIBUTE|VALIDATE CONSTRAINT|ADD CONSTRAINT|SET NOT NULL)"
)


@dataclass(frozen=True)
class Proof:
    """What came out when the steps were run on a copy."""

    converged: bool
    failed: Step | None = None  # the step that the server refused
    reason: str = ""
    differences: tuple[str, ...] = ()  # what is left between the result and the target
    reached: Catalog | None = field(default=None, repr=False)  # where the steps lead
    out_of_order: bool = False  # the failed step found something missing or in its way


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
        if comparison.equal and in_order.empty:
            return ProvenPlan(in_order, Proof(converged=True, reached=old))
        planned = in_order.new_things_first({str(identity) for identity in old.facts})
        proof = prove(server, database, planned.steps, new)
        if not proof.converged and planned != in_order:
            planned, proof = in_order, prove(server, database, in_order.steps, new)
        refused = _to_make_anew(proof, old)
        if refused is None or refused in asked:
            break
        asked.add(refused)
    if proof.out_of_order:
        planned, proof = _in_an_order_that_runs(server, database, planned, proof, new)
    for _ in range(_ROUNDS):
        if proof.converged or proof.reached is None or planned.not_planned:
            break
        planned, proof = _with_what_is_left(server, database, planned, proof, new)
    return ProvenPlan(planned, proof)


_ROUNDS = 2  # how often what is left after a plan is planned again


def _with_what_is_left(
    server: Server, database: str, planned: Plan, proof: Proof, new: Catalog
) -> tuple[Plan, Proof]:
    """The plan and the steps from where it leads to the target: privileges, for instance, that
    a new table has by default privileges and should not have."""
    assert proof.reached is not None
    reached, target = settled(server, proof.reached, new)
    rest = plan(compare(reached, target), reached, target)
    if rest.not_planned or not rest.steps:
        return planned, replace(proof, reached=None)
    last = max((step.group for step in planned.steps), default=0)
    more = (replace(each, group=each.group + last if each.group else 0) for each in rest.steps)
    longer = replace(
        planned,
        steps=(*planned.steps, *more),
        loses_data=(*planned.loses_data, *rest.loses_data),
    )
    after = prove(server, database, longer.steps, new)
    return (longer, after) if after.converged or after.reached else (planned, proof)


def _in_an_order_that_runs(
    server: Server, database: str, planned: Plan, proof: Proof, new: Catalog
) -> tuple[Plan, Proof]:
    """The same steps; one that finds something missing or in the way waits for another."""
    done: list[Step] = []
    waiting: list[Step] = []
    with (
        scratch_database(server, template=database) as copy,
        server.connect(copy) as connection,
    ):

        def run(step: Step) -> bool:
            try:
                _run(connection, step)
            except StepRefused as refused:
                if not refused.out_of_order:
                    raise
                return False
            done.append(step)
            return True

        try:
            for step in planned.steps:
                if not run(step):
                    waiting.append(step)
                while (freed := next((each for each in waiting if run(each)), None)) is not None:
                    waiting.remove(freed)
        except StepRefused:
            return planned, proof
    if waiting:
        return planned, proof
    ordered = replace(planned, steps=tuple(done))
    after = prove(server, database, ordered.steps, new)
    return (planned, proof) if after.failed else (ordered, after)


def prove(server: Server, database: str, steps: tuple[Step, ...], target: Catalog) -> Proof:
    """Run the steps on a copy of ``database`` and compare its catalog with the target."""
    with scratch_database(server, template=database) as copy:
        try:
            run_steps(server, copy, steps)
        except StepRefused as refused:
            return Proof(False, refused.step, refused.reason, out_of_order=refused.out_of_order)
        reached = read_catalog(server, copy, ignore=target.ignore)
        elsewhere = {i: fact for i, fact in target.facts.items() if i.subscribes}
        reached = replace(reached, facts={**reached.facts, **elsewhere})
        comparison = compare_stable(server, reached, target)
        left = tuple(comparison.describe())
        return Proof(comparison.equal, differences=left, reached=reached)


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


# Undefined and duplicate things, and those that others still depend on.
_OUT_OF_ORDER = {
    "2BP01", "3F000", "42703", "42704", "42710", "42723", "42809", "42883", "42P01", "42P06",
    "42P07",
    "42P16",  # NOT NULL of a column of a primary key, which goes later
}  # fmt: skip


class StepRefused(Exception):
    """The server refused a step."""

    def __init__(self, step: Step, error: psycopg.Error) -> None:
        self.step = step
        self.reason = error.diag.message_primary or " ".join(str(error).split())
        self.out_of_order = error.sqlstate in _OUT_OF_ORDER
        super().__init__(f"{step.sql}: {self.reason}")


def _run(connection: psycopg.Connection[tuple[object, ...]], step: Step) -> None:
    try:
        connection.execute(step.sql.encode())
    except psycopg.Error as error:
        raise StepRefused(step, error) from error


def _to_make_anew(proof: Proof, old: Catalog) -> Identity | None:
    step = proof.failed
    if step is None:
        return None
    if altered := _ALTERED_TYPE.match(step.sql):
        return Identity(altered["kind"].lower(), altered["name"])
    if not _REPLACED.match(step.sql):
        return None
    return next((identity for identity in old.facts if str(identity) == step.object), None)
