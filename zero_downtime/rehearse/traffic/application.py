"""What the application does while a revision runs: the old one, the new one from its cutover."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from zero_downtime.history import Revision
from zero_downtime.rehearse.measure.exact import Observed
from zero_downtime.rehearse.proof.rollback import Proven
from zero_downtime.rehearse.rows.data import Data
from zero_downtime.rehearse.rows.making import Hints
from zero_downtime.rehearse.session import Connection
from zero_downtime.rehearse.tables import Table, Tables
from zero_downtime.rehearse.traffic.models import Models
from zero_downtime.rehearse.traffic.operations import Operation
from zero_downtime.rehearse.traffic.statements import Written, plan_statements
from zero_downtime.rehearse.traffic.transactions import opposite, transactions
from zero_downtime.rehearse.traffic.workload import Workload, plan_workload, touched
from zero_downtime.sql.statement import Direction

_MOST_TABLES = 4  # with clients and probes at work

_NOT_NULL = "23502"
_GENERATED = "428C9"  # a value for a column GENERATED ALWAYS


@dataclass(frozen=True)
class Applications:
    """The application on either side of each revision.

    It is made up from the catalog, unless there are ``statements`` that it sends. What it knows
    behind the last revision, the ``head``, is told by the ``models``, where there are any; what
    the old one knows as well, where a commit to compare with has models.
    """

    seed: int
    skip: frozenset[str] = frozenset()  # tables that are nobody's business
    statements: Sequence[Written] = ()
    models: Models = field(default_factory=Models)
    head: str | None = None
    hints: Hints = field(default_factory=dict)
    gone: Callable[[Written, Revision], bool] = lambda statement, revision: False
    _ran: set[str] = field(default_factory=set)
    _refused: dict[str, str] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """The statements that no database took, with the reason that the last one gave."""
        return [
            f"a statement of the workload never ran ({said}): {text}"
            for text, said in self._refused.items()
            if text not in self._ran
        ]

    def old(
        self,
        connection: Connection,
        revision: Revision,
        direction: Direction,
        proven: Proven,
        before: Tables,
        *,
        new_values: bool,
    ) -> Workload:
        """The old application's work on the tables that the revision touches.

        The old application is what runs while a revision is applied, and again before it is
        undone. Before a contract revision it has let go of what that takes away; after any
        upgrade it knows nothing of what is new.
        """
        both = {(t.qualified, c.name) for t in before for c in t.columns}
        both &= {(t.qualified, c.name) for t in proven.tables for c in t.columns}
        contracts = revision.phase == "contract"
        modelled = self._modelled(contracts)

        def known(table: str, column: str) -> bool:
            told = modelled(table, column)
            if direction == "downgrade" or (contracts and told is None):
                return (table, column) in both and told is not False
            return told is not False

        data = Data(connection, self.seed + 2, self.skip, self.hints)
        observed = proven.upgrade if direction == "upgrade" else proven.downgrade
        chosen = touched(data, [*_locked(observed), *proven.using], _MOST_TABLES)
        if self.statements:
            return self._written(data, revision, chosen)
        planned = plan_workload(data, chosen, seed=self.seed, known=known, new_values=new_values)
        meeting = transactions(data, opposite(observed), known)
        return replace(planned, transactions=tuple(meeting))

    def new(
        self,
        connection: Connection,
        revision: Revision,
        proven: Proven,
        before: Tables,
        old: Workload,
        *,
        new_values: bool,
    ) -> Workload | None:
        """The new application's work beside the old one's, behind the upgrade.

        None where it does nothing that the old one does not. Before a contract revision the new
        one is the only one already.
        """
        models = self.models.new if revision.id == self.head else None
        changed = [
            t.qualified for t in proven.tables if _columns(before, t.qualified) != _of(t)
        ]  # tables that are new among them
        if revision.phase == "contract" or (not self.statements and not changed and not models):
            return None
        data = Data(connection, self.seed + 3, self.skip, self.hints)
        named = [*changed, *_locked(proven.upgrade), *proven.using]
        chosen = touched(data, named, _MOST_TABLES)
        if self.statements:
            left = [each for each in self.statements if each.sql in self._refused]
            return self._written(data, revision, chosen, left) if left else None
        if models is not None:
            chosen = [name for name in chosen if name in models]
        else:
            chosen = [name for name in chosen if name in changed]

        def known(table: str, column: str) -> bool:
            return models is None or column in models.get(table, ())

        done = {(each.table, each.kind) for each in (*old.reads, *old.writes)}

        def keep(operation: Operation, sqlstate: str | None) -> bool:
            # What the old application manages the new one should; not so for values we made up.
            state = sqlstate or ""
            made_up = (state[:2] in ("22", "23") and state != _NOT_NULL) or state == _GENERATED
            return (operation.table, operation.kind) in done and not made_up

        planned = plan_workload(
            data, chosen, seed=self.seed + 1, known=known, new_values=new_values, keep=keep
        )
        return None if planned.idle else planned

    def _modelled(self, contracts: bool) -> Callable[[str, str], bool | None]:
        """Whether the models of the application at work know a column; None: they don't tell.

        A contract revision finds the new application at work. A table that no models know is
        used by something else.
        """
        old, new = self.models.old, self.models.new or {}
        if old is None:
            return lambda table, column: None
        at_work = new if contracts else old

        def told(table: str, column: str) -> bool | None:
            if table not in old and table not in new:
                return None
            return column in at_work.get(table, ())

        return told

    def _written(
        self,
        data: Data,
        revision: Revision,
        watched: Sequence[str],
        statements: Sequence[Written] | None = None,
    ) -> Workload:
        sent = [
            each
            for each in (self.statements if statements is None else statements)
            if not self.gone(each, revision)
        ]
        planned = plan_statements(data, sent, watched, self.seed)
        refused = {each.sql: said for each, said in planned.refused}
        for each in sent:
            self._refused.pop(each.sql, None)
        self._refused.update(refused)
        self._ran.update(each.sql for each in sent if each.sql not in refused)
        return planned.workload


def _locked(observed: Iterable[Observed]) -> list[str]:
    """The relations that statements lock, the strongest locks first."""
    locks = sorted(
        ((mode, name) for seen in observed for _, name, mode in seen.locks), reverse=True
    )
    return [name for _, name in locks]


def _columns(tables: Tables, name: str) -> object:
    table = tables.named(name)
    return _of(table) if table is not None else None


def _of(table: Table) -> object:
    return [(c.name, c.definition, c.not_null, c.default) for c in table.columns]
