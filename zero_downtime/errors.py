"""What can go wrong, one class per cause; the docstring of a class is its message.

A message says what is wrong, where, and what to do. The facts that fill it are kept on the
instance (``error.facts``), so that a caller can act on them without reading the text.

    ZeroDowntimeError
    ├── ConfigError
    ├── ProjectError
    ├── HistoryError
    │   ├── NotRenderable
    │   └── SeveralDatabases
    ├── EnvironmentFailed
    ├── RevisionFailed
    │   └── ExtensionMissing
    ├── SchemaError
    ├── ParseError
    ├── InputError
    ├── ServerError
    ├── DatabaseError
    ├── MajorMismatch
    ├── RefusedDatabase
    ├── BudgetError
    ├── PlanError
    ├── LockNotAcquired
    ├── UnknownRule
    ├── CustomRuleFailed
    └── AnotherRunner
"""

import inspect


class ZeroDowntimeError(Exception):
    """{reason}"""

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        message = " ".join(inspect.cleandoc(type(self).__doc__ or "").split("\n"))
        super().__init__(message.format(**facts))


class ConfigError(ZeroDowntimeError):
    """{where}: {reason}. {advice}"""


class ProjectError(ZeroDowntimeError):
    """{reason}. {advice}"""


class HistoryError(ZeroDowntimeError):
    """{where}: {reason}. {advice}"""


class NotRenderable(HistoryError):
    """{where}: this revision has no SQL without a database ({reason})."""


class SeveralDatabases(HistoryError):
    """{where}: this project migrates several databases in one run ({reason}), which zd does not
    support. Give each database its own Alembic project or its own section with one database."""


class EnvironmentFailed(ZeroDowntimeError):
    """{where}: Alembic's environment does not run ({reason}). Give it what it needs, as you do for
    alembic itself."""


class RevisionFailed(ZeroDowntimeError):
    """{where}: the {direction} of revision {revision} failed ({reason}){statement}."""


class ExtensionMissing(RevisionFailed):
    """{where}: revision {revision} needs the extension {extension}, which this server does not
    have. Use a server that has it with --server BIN_DIR or --server URL."""


class SchemaError(ZeroDowntimeError):
    """{where}: {reason}. {advice}"""


class ParseError(ZeroDowntimeError):
    """{where}: {reason}."""


class InputError(ZeroDowntimeError):
    """{where}: {reason}. {advice}"""


class ServerError(ZeroDowntimeError):
    """{reason}. {advice}"""


class DatabaseError(ZeroDowntimeError):
    """{database}: {reason}. {advice}"""


class MajorMismatch(ZeroDowntimeError):
    """{left} runs PostgreSQL {left_major}, {right} runs {right_major}: catalogs of different
    majors can't be compared. Give the scratch server the same major with --server BIN_DIR."""


class RefusedDatabase(ZeroDowntimeError):
    """The database {database} was not made by zd: nothing was touched. Name it *_rehearsal, or
    say --i-know."""


class BudgetError(ZeroDowntimeError):
    """{part!r} is no budget: {reason}. Write it as stall=200ms, lock=ACCESS EXCLUSIVE:100ms,
    rewrite=none."""


class PlanError(ZeroDowntimeError):
    """{reason}. {advice}"""


class LockNotAcquired(ZeroDowntimeError):
    """Gave up after {seconds:.0f} s on: {statement}. It waited for {blockers}. Nothing of this
    statement was applied; end that session or try again with a longer --deadline."""


class UnknownRule(ZeroDowntimeError):
    """There is no rule {rule}. {advice}"""


class CustomRuleFailed(ZeroDowntimeError):
    """The lint rules of {distribution} can't be used: {reason}. Mend or uninstall that
    distribution."""


class AnotherRunner(ZeroDowntimeError):
    """Another zd is migrating {database} (backend {pid}). Wait until it ends, then run again."""
