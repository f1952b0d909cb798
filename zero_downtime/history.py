"""An Alembic history as values: its revisions, and the SQL of each with its place in the file.

Reading needs no database. A revision that asks one for something raises NotRenderable; then
``replay.capture`` runs it on a scratch server instead.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sa
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError, RevisionMap
from alembic.util import CommandError
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.schema import CreateTable, ExecutableDDLElement

from zero_downtime import environment
from zero_downtime.errors import HistoryError, NotRenderable, SeveralDatabases
from zero_downtime.postgres.literals import NoLiteral, fill
from zero_downtime.project import Project
from zero_downtime.sql.libpg_query import parser
from zero_downtime.sql.statement import Direction, Location, Statement

PHASES = ("expand", "backfill", "contract")

_SEAL = re.compile(r"^# zd: plan ([0-9a-f]+)[^\n]*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Revision:
    """One file of the history."""

    id: str
    down: tuple[str, ...]  # the parents in the file's down_revision
    depends_on: tuple[str, ...]  # ids; a branch label is resolved to its revision
    labels: tuple[str, ...]
    path: Path
    message: str
    phase: str | None  # expand, backfill or contract; None for a revision that does not say
    script: Script = field(repr=False, compare=False)
    scripts: ScriptDirectory = field(repr=False, compare=False)

    @property
    def parents(self) -> tuple[str, ...]:
        """What must be applied before: the parents and what it depends on."""
        return tuple(dict.fromkeys((*self.down, *self.depends_on)))

    @property
    def file(self) -> str:
        """The path as messages show it."""
        return environment.shown(self.path)

    def line_of(self, name: str) -> int:
        """The line where the file assigns or defines ``name``; 1 when it does not."""
        return _line_of(self.path, name)


@dataclass(frozen=True)
class History:
    """The revisions of a project from base to heads, in the order in which they are applied.

    ``heads`` are those that nothing builds or depends on: what a database has in its version
    table when all is applied.
    """

    revisions: tuple[Revision, ...]
    heads: tuple[str, ...]
    scripts: ScriptDirectory = field(repr=False, compare=False)

    def __iter__(self) -> Iterator[Revision]:
        return iter(self.revisions)

    def __len__(self) -> int:
        return len(self.revisions)

    def revision(self, name: str) -> Revision:
        """The revision of an id, the beginning of one, a branch label, or ``head``.

        Raises HistoryError when there is none or more than one.
        """
        try:
            script = self.scripts.get_revision(name)
        except (CommandError, RevisionError) as error:
            raise HistoryError(
                where=environment.shown(Path(self.scripts.dir)),
                reason=_sentence(error),
                advice="The heads are " + (", ".join(self.heads) or "none"),
            ) from error
        return next(revision for revision in self.revisions if revision.id == script.revision)

    def head(self) -> Revision | None:
        """The one head; None for an empty history. Raises HistoryError when there are several."""
        if len(self.heads) > 1:
            others = [self.revision(head) for head in self.heads]
            raise HistoryError(
                where=others[-1].file,
                reason="the history has "
                + f"{len(others)} heads: "
                + ", ".join(f"{head.id} ({head.path.name})" for head in others),
                advice="Join them with: alembic merge heads",
            )
        return self.revision(self.heads[0]) if self.heads else None

    def ancestors(self, revision: Revision) -> tuple[Revision, ...]:
        """All that must be applied before ``revision``, in order."""
        wanted, todo = set[str](), list(revision.parents)
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo += self.revision(name).parents
        return tuple(each for each in self.revisions if each.id in wanted)


def read_history(project: Project) -> History:
    """Load all revision files. Raises HistoryError with the file and line of what is wrong."""
    with environment.guest(project):
        scripts = project.scripts()
        loaded = _load(scripts)
        _check(loaded)
        scripts.revision_map = RevisionMap(lambda: loaded)
        try:
            ordered = list(scripts.walk_revisions("base", "heads"))
        except (CommandError, RevisionError) as error:
            raise HistoryError(
                where=environment.shown(Path(scripts.dir)),
                reason=_sentence(error),
                advice="Check down_revision and depends_on of these files",
            ) from error
        return History(
            revisions=tuple(_revision(script, scripts) for script in reversed(ordered)),
            heads=tuple(sorted(scripts.revision_map._real_heads)),
            scripts=scripts,
        )


def _revision(script: Script, scripts: ScriptDirectory) -> Revision:
    phase = getattr(script.module, "phase", None)
    depends_on = script._resolved_dependencies  # labels resolved, unlike .dependencies
    return Revision(
        id=script.revision,
        down=tuple(script._versioned_down_revisions),
        depends_on=tuple(depends_on),
        labels=tuple(sorted(script._orig_branch_labels)),
        path=Path(script.path),
        message=script.doc,
        phase=phase if phase in PHASES else None,
        script=script,
        scripts=scripts,
    )


def _load(scripts: ScriptDirectory) -> list[Script]:
    loaded: list[Script] = []
    for folder in scripts._version_locations:
        if not folder.exists():
            continue
        for path in Script._list_py_dir(scripts, folder):
            script = _load_one(scripts, path.resolve())
            if script is not None and script.path not in {other.path for other in loaded}:
                loaded.append(script)
    return loaded


def _load_one(scripts: ScriptDirectory, path: Path) -> Script | None:
    try:
        return Script._from_path(scripts, path)
    except SyntaxError as error:
        _refuse(path, error.lineno, f"a syntax error ({error.msg})", "Mend that line", error)
    except CommandError as error:
        _refuse(path, 1, "no variable named revision", "Add it, or move the file away", error)
    except AttributeError as error:
        if error.name == "down_revision" and not environment.lines_in(error, path):
            advice = "Add it (None for the first revision)"
            _refuse(path, 1, "no variable named down_revision", advice, error)
        _refuse_import(path, error)
    except Exception as error:
        _refuse_import(path, error)


def _refuse_import(path: Path, error: Exception) -> NoReturn:
    lines = environment.lines_in(error, path)
    advice = "Mend that line"
    if isinstance(error, ModuleNotFoundError):
        advice = "Install it beside zd, or check prepend_sys_path"
    reason = f"the file does not load, {type(error).__name__}: {_sentence(error)}"
    _refuse(path, lines[-1] if lines else 1, reason, advice, error)


def _refuse(path: Path, line: int | None, reason: str, advice: str, error: Exception) -> NoReturn:
    where = Location(environment.shown(path), line or 1)
    raise HistoryError(where=where, reason=reason, advice=advice) from error


def _check(loaded: Sequence[Script]) -> None:
    """Say with file and line what Alembic's revision map would fail on."""
    by_id: dict[str, Script] = {}
    for script in loaded:
        other = by_id.setdefault(script.revision, script)
        if other is not script:
            raise HistoryError(
                where=Location(_shown(script), _line_of(Path(script.path), "revision")),
                reason=f"revision {script.revision} is also that of {_shown(other)}",
                advice="Give one of them another id",
            )
    labels = {label for script in loaded for label in script.branch_labels or ()}
    for script in loaded:
        wanted = [("down_revision", each) for each in script._versioned_down_revisions]
        wanted += [("depends_on", each) for each in _names(script.dependencies)]
        for variable, name in wanted:
            if name in by_id or name in labels or "@" in name:
                continue
            if variable == "depends_on" and any(each.startswith(name) for each in by_id):
                continue
            raise HistoryError(
                where=Location(_shown(script), _line_of(Path(script.path), variable)),
                reason=f"{variable} names {name}, which no file of the history has",
                advice="Correct the id, or bring the missing file back",
            )


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value) if isinstance(value, Sequence) else ()


def _shown(script: Script) -> str:
    return environment.shown(Path(script.path))


def _line_of(path: Path, name: str) -> int:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node.lineno
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.lineno
    return 1


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def sealed(text: str) -> str:
    """The text of a generated revision with the line that tells whether it was edited since."""
    bare = _SEAL.sub("", text)
    return f"# zd: plan {_fingerprint(bare)}\n{bare}"


def generated(revision: Revision) -> bool:
    """Whether zd wrote the file: it has the line ``# zd: plan …``."""
    return _SEAL.search(revision.path.read_text("utf-8")) is not None


def edited(revision: Revision) -> bool:
    """Whether a generated revision was changed by hand; False for one that zd did not write."""
    text = revision.path.read_text("utf-8")
    found = _SEAL.search(text)
    return found is not None and found[1] != _fingerprint(_SEAL.sub("", text))


def _fingerprint(bare: str) -> str:
    return sha256(bare.encode()).hexdigest()[:16]


def render(project: Project, revision: Revision, direction: Direction) -> list[Statement]:
    """The SQL of a revision, without a database and without its env.py's connection.

    Parameters are filled in as literals. Statements carry the place of the call that issues
    them. Raises NotRenderable when the revision needs an answer from the database, and
    SeveralDatabases when it is made for more than one.
    """
    with renderer(project) as rendered:
        return rendered(revision, direction)


Render = Callable[[Revision, Direction], list[Statement]]


@contextmanager
def renderer(project: Project) -> Iterator[Render]:
    """:func:`render` for many revisions: what the project's code needs around it is made once."""
    with environment.guest(project):
        config = project.alembic_config()
        dialect: Any = PGDialect_psycopg2()  # type: ignore[no-untyped-call]
        # PostgreSQL's own identifiers, and no backslashes doubled in literals.
        dialect._backslash_escapes = False

        def rendered(revision: Revision, direction: Direction) -> list[Statement]:
            refuse_several_databases(revision, direction)
            metadata = _target_metadata(project, revision.scripts)
            recorder = _Recorder(revision, direction, dialect)
            options = {"as_sql": True, "destination_rev": revision.id}
            with EnvironmentContext(config, revision.scripts, **options) as context:
                return _recorded(recorder, context, metadata)

        yield rendered


def _recorded(recorder: _Recorder, context: EnvironmentContext, metadata: Any) -> list[Statement]:
    """Run one direction of a revision with the recorder in place of the SQL writer."""
    # A revision may do something else offline; what it does online is what counts.
    context.is_offline_mode = recorder.asked_for_offline  # type: ignore[method-assign]
    context.configure(dialect_name="postgresql", output_buffer=StringIO(), target_metadata=metadata)
    migration = context.get_context()
    migration.dialect = recorder.dialect
    migration.connection = recorder.connection
    migration.impl = recorder
    operations = Operations(migration)
    operations._install_proxy()
    try:
        recorder.run()
    finally:
        operations._remove_proxy()
    return recorder.statements


def refuse_several_databases(revision: Revision, direction: Direction) -> None:
    """Raise SeveralDatabases when upgrade() or downgrade() wants to be told a database."""
    function = getattr(revision.script.module, direction, None)
    if function is None:
        raise HistoryError(
            where=revision.file,
            reason=f"the file has no function {direction}()",
            advice="Add it, with pass in it if there is nothing to do",
        )
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            raise SeveralDatabases(
                where=Location(revision.file, revision.line_of(direction)),
                reason=f"{direction}() takes {parameter.name}",
            )


def _why(revision: Revision, error: Exception) -> NotRenderable:
    lines = environment.lines_in(error, revision.path)
    reason = _sentence(error)
    if isinstance(error, sa.exc.NoInspectionAvailable):
        reason = "it inspects the database"
    elif not isinstance(error, CommandError | NoLiteral):
        reason = f"{type(error).__name__}: {reason}"
    return NotRenderable(
        where=Location(revision.file, lines[-1] if lines else 1), reason=reason[:300]
    )


class _Recorder(PostgresqlImpl):
    """Takes the place of Alembic's SQL writer and keeps statements instead of printing them."""

    def __init__(self, revision: Revision, direction: Direction, dialect: Any) -> None:
        super().__init__(dialect, None, True, None, StringIO(), {})
        self.connection = _Connection(self)  # type: ignore[assignment]
        self.statements: list[Statement] = []
        self.refusal: NotRenderable | None = None
        self._revision = revision
        self._direction = direction
        self._transaction: int | None = 0
        self._last_transaction = 0
        self._used: dict[int, int] = {}  # transactions that have statements, numbered densely

    def run(self) -> None:
        """Call the revision's function. Raises NotRenderable."""
        try:
            with environment.running(self._revision.path, self._revision.file):
                getattr(self._revision.script.module, self._direction)()
        except NotRenderable:
            raise
        except Exception as error:
            self.refusal = self.refusal or _why(self._revision, error)
        if self.refusal is not None:
            raise self.refusal

    def emit_begin(self) -> None:
        self._last_transaction += 1
        self._transaction = self._last_transaction

    def emit_commit(self) -> None:
        self._transaction = None

    def static_output(self, text: str) -> None:
        self._keep(text.rstrip().rstrip(";"))

    def bulk_insert(self, table: Any, rows: list[dict[str, Any]], multiinsert: bool = True) -> None:
        if rows:
            self._exec(table.insert().inline().values(rows))

    def _exec(
        self,
        construct: Any,
        execution_options: Mapping[str, Any] | None = None,
        multiparams: Sequence[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        if (execution_options or {}).get("isolation_level"):
            self.refuse("it sets an isolation level of its own")
        if isinstance(construct, str):
            construct = sa.text(construct)
        for row in multiparams or [params or {}]:
            self._keep(sql_of(construct, row, self.dialect))

    def raw(self, text: str) -> None:
        """Keep a text that is for the driver alone."""
        self._keep(text)

    def refuse(self, reason: str) -> NoReturn:
        """Stop: an answer of a database is wanted. Remembered, since revisions catch errors."""
        self.refusal = self.refusal or NotRenderable(where=self._place(), reason=reason)
        raise self.refusal

    def asked_for_offline(self) -> bool:
        self.refuse("it asks whether it runs offline")

    def _place(self) -> Location:
        file = self._revision.file
        return environment.place(self._revision.path, file) or Location(file)

    def _keep(self, text: str) -> None:
        place = self._place()
        for part in parts(text):
            verb = part.rstrip(";").strip().upper()
            # The statement that ends a transaction still belongs to it.
            number = self._transaction
            if number is not None:
                number = self._used.setdefault(number, len(self._used))
            self.statements.append(
                Statement(part, place, self._revision.id, self._direction, number)
            )
            if verb in ("COMMIT", "END", "ROLLBACK", "ABORT"):
                self.emit_commit()
            elif verb.startswith(("BEGIN", "START TRANSACTION")):
                self.emit_begin()


class _Connection(MockConnection):
    """What op.get_bind() gives: it takes statements, and refuses to tell their results."""

    def __init__(self, recorder: _Recorder) -> None:
        super().__init__(recorder.dialect, recorder._exec)
        self._recorder = recorder

    def execute(self, obj: Any, parameters: Any = None, execution_options: Any = None) -> Any:
        rows = parameters if isinstance(parameters, list | tuple) else None
        self._recorder._exec(
            obj, execution_options, rows or None, {} if rows else dict(parameters or {})
        )
        return _Result(self._recorder)

    def exec_driver_sql(self, statement: str, parameters: Any = None, **options: Any) -> Any:
        self._recorder.raw(fill(statement, parameters, "pyformat") if parameters else statement)
        return _Result(self._recorder)

    def execution_options(self, **options: Any) -> Any:
        if "isolation_level" in options:
            self._recorder.refuse("it sets an isolation level of its own")
        return self

    def scalar(self, *arguments: Any, **options: Any) -> NoReturn:
        self._recorder.refuse("it reads from the database")

    scalars = scalar


class _Result:
    """The result of a statement that has run nowhere."""

    def __init__(self, recorder: _Recorder) -> None:
        self._recorder = recorder

    def __getattr__(self, name: str) -> NoReturn:
        self._recorder.refuse("it reads from the database")

    def __iter__(self) -> NoReturn:
        self._recorder.refuse("it reads from the database")


def sql_of(construct: Any, parameters: Mapping[str, Any], dialect: Any) -> str:
    """A SQLAlchemy construct as SQL text with its parameters as literals."""
    if isinstance(construct, ExecutableDDLElement):
        text = fill(str(construct.compile(dialect=dialect)), {}, "pyformat").strip()
        return tidy(text) if isinstance(construct, CreateTable) else text
    if isinstance(construct, sa.TextClause):
        if parameters:
            construct = construct.bindparams(**parameters)
        parameters = {}
    compiled = construct.compile(
        dialect=dialect,
        column_keys=list(parameters) or None,
        compile_kwargs={"render_postcompile": True},
    )
    values = compiled.construct_params(dict(parameters))
    for name, process in compiled._bind_processors.items():
        if name in values:
            values[name] = process(values[name])
    return fill(str(compiled), values, "pyformat")


def tidy(text: str) -> str:
    """SQLAlchemy's CREATE TABLE without its tabs and its spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.replace("\t", "    ").split("\n"))


def parts(text: str) -> list[str]:
    """The statements of a text, each with the comments before it and without its semicolon.

    A text that PostgreSQL can't parse stays one part; whoever runs or lints it will say so.
    """
    try:
        slices = parser().split(text, only_slices=True)
    except parser().ParseError:
        return [text.strip()]
    found, start = [], 0
    for each in slices:
        found.append(text[start : each.stop].strip().lstrip(";").strip())
        start = each.stop
    return [part for part in found if part]


_options: dict[tuple[str, int], Mapping[str, Any]] = {}


def _target_metadata(project: Project, scripts: ScriptDirectory) -> Any:
    """The MetaData that env.py gives to Alembic, for its naming convention; None without one."""
    path = Path(scripts.env_py_location).absolute()
    if not path.is_file() or not _has_metadata(path, path.stat().st_mtime_ns):
        return None
    return _env_options(project, scripts).get("target_metadata")


def version_table(project: Project, scripts: ScriptDirectory) -> tuple[str, str | None]:
    """Name and schema of the table in which env.py has Alembic keep the version."""
    with environment.guest(project):
        path = Path(scripts.env_py_location).absolute()
        # Many say it only where they run online, so what is written there counts as well.
        written: dict[str, Any] = {}
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and node.arg:
                written[node.arg] = node.value.value
        options = {**written, **_env_options(project, scripts)}
        return options.get("version_table", "alembic_version"), options.get("version_table_schema")


def shares_transaction(project: Project) -> bool:
    """Whether env.py certainly leaves all pending revisions in one transaction.

    Alembic does so unless transaction_per_migration is given; what is passed on from elsewhere
    may hold it.
    """
    path = Path(project.scripts().env_py_location)
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "configure"
    ]
    given = {keyword.arg for call in calls for keyword in call.keywords}
    return bool(calls) and not given & {None, "transaction_per_migration"}


def _env_options(project: Project, scripts: ScriptDirectory) -> Mapping[str, Any]:
    """What env.py tells Alembic when it runs as for ``alembic upgrade --sql``.

    A connection that it tries is refused. Whatever goes wrong there only costs the options.
    """
    path = Path(scripts.env_py_location).absolute()
    key = (str(path), path.stat().st_mtime_ns)
    if key not in _options:
        _options[key] = _read_options(project, scripts)
    return _options[key]


@cache
def _has_metadata(path: Path, changed: int) -> bool:
    """Whether env.py gives metadata at all, so that most projects without need not run it."""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return False
    given = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "target_metadata"
    ]
    assigned = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "target_metadata" for t in node.targets)
    ]
    values = assigned or given
    return any(not (isinstance(v, ast.Constant) and v.value is None) for v in values)


class _Refused(BaseException):
    """env.py wanted a connection although it runs offline."""


def _read_options(project: Project, scripts: ScriptDirectory) -> Mapping[str, Any]:
    config = project.alembic_config()
    config.set_main_option("sqlalchemy.url", "postgresql+psycopg://")
    found: dict[str, Any] = {}

    def refuse(*arguments: Any) -> NoReturn:
        raise _Refused

    options = {"as_sql": True, "fn": lambda revision, context: [], "destination_rev": "heads"}
    sa.event.listen(sa.Engine, "do_connect", refuse)
    try:
        with EnvironmentContext(config, scripts, **options) as context:
            configure = context.configure

            def spy(*arguments: Any, **given: Any) -> None:
                found.update(given)
                configure(*arguments, **{**given, "output_buffer": StringIO()})

            context.configure = spy  # type: ignore[method-assign]
            scripts.run_env()
    except KeyboardInterrupt:
        raise
    except BaseException:
        pass  # what was found until then counts
    finally:
        sa.event.remove(sa.Engine, "do_connect", refuse)
    return found
