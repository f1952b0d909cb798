"""``zd lint`` and ``zd explain`` as commands: sources, options, exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from zero_downtime.project import Project
from zero_downtime_cli.main import zd

PROJECTS = Path(__file__).parents[1] / "projects"
INDEX = "CREATE INDEX ON orders (amount);\n"
QUIET = "SET lock_timeout = '2s';\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(zd, arguments, input=stdin)


def rules(result: Result) -> list[tuple[str, str]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)["findings"]
    return [(finding["rule"], Path(finding["file"]).name) for finding in found]


def test_exit_codes(folder: Path) -> None:
    (folder / "bad.sql").write_text(QUIET + INDEX)
    (folder / "good.sql").write_text("SELECT 1;")
    (folder / "warned.sql").write_text("ALTER TABLE orders ADD COLUMN n int;")
    assert run("lint", "bad.sql").exit_code == 1
    assert run("lint", "bad.sql", "--fail-on", "never").exit_code == 0
    assert run("lint", "good.sql").exit_code == 0
    assert run("lint", "warned.sql").exit_code == 0
    assert run("lint", "warned.sql", "--fail-on", "warning").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lint", "missing.sql"], "missing.sql: there is no such file"),
        (["lint", "empty"], "empty: holds no .sql file"),
        (["lint", "dangling.sql"], "dangling.sql: is a link to nothing"),
        (["lint", "folder.sql"], "folder.sql: holds no .sql file"),
        (["lint", "good.sql", "--schema", "broken.sql"], "broken.sql:1:1: syntax error"),
        (["lint", "broken.sql", "--effects"], "broken.sql:1:1: syntax error"),
        (["lint", "good.sql", "--baseline", "none.json"], "none.json: can't be read"),
        (["lint", "good.sql", "--baseline", "good.sql"], "good.sql: is no baseline"),
        (["lint", "good.sql", "--diff", "nothing"], "--diff nothing: git says"),
        (["lint", "good.sql", "--pg", "12"], "12 is not in the range"),
        (["lint", "good.sql", "--effects", "--format", "sarif"], "--effects has the formats"),
        (["lint"], "has no alembic.ini"),
        (["explain", "index-not-concurent"], "Did you mean index-not-concurrent"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_broken_input_is_one_sentence_and_exit_code_2(
    folder: Path, arguments: list[str], said: str
) -> None:
    (folder / "good.sql").write_text("SELECT 1;")
    (folder / "broken.sql").write_text("selec 1;")
    (folder / "dangling.sql").symlink_to("nothing")
    (folder / "folder.sql").mkdir()
    (folder / "empty").mkdir()
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_standard_input_has_the_name_of_a_dash() -> None:
    result = run("lint", "-", "--format", "json", stdin=("\ufeff" + QUIET + INDEX).encode())
    assert result.exit_code == 1
    assert rules(result) == [("index-not-concurrent", "-")]


def test_a_folder_is_one_history_in_name_order(folder: Path) -> None:
    (folder / "m").mkdir()
    (folder / "m" / "2.sql").write_text(QUIET + INDEX)
    (folder / "m" / "1.sql").write_text(
        "CREATE TABLE orders (id int, amount int); CREATE INDEX ON orders (id);"
    )
    result = run("lint", "m", "--format", "json")
    assert rules(result) == [("index-not-concurrent", "2.sql")]
    assert json.loads(result.stdout)["summary"]["files"] == 2


def test_a_schema_tells_old_types(folder: Path) -> None:
    (folder / "schema.sql").write_text("CREATE TABLE public.t (a varchar(10));")
    (folder / "m.sql").write_text(QUIET + "ALTER TABLE t ALTER a TYPE text;")
    assert run("lint", "m.sql", "--fail-on", "warning").exit_code == 1
    assert run("lint", "m.sql", "--fail-on", "warning", "--schema", "schema.sql").exit_code == 0


def test_each_file_of_the_effects_starts_from_the_schema(folder: Path) -> None:
    (folder / "schema.sql").write_text("CREATE TABLE t (a int);")
    (folder / "1.sql").write_text("CREATE TABLE u (a int); TRUNCATE u, t;")
    (folder / "2.sql").write_text("DROP TABLE IF EXISTS u; INSERT INTO t VALUES (1);")
    result = run("lint", ".", "--effects", "--format", "json", "--schema", "schema.sql")
    value = json.loads(
        run(
            "lint", "1.sql", "2.sql", "--effects", "--format", "json", "--schema", "schema.sql"
        ).stdout
    )
    assert result.exit_code == 0
    assert [
        (s["file"], [lock["relation"] for lock in s["locks"]]) for s in value["statements"]
    ] == [
        ("1.sql", []),
        ("1.sql", ["public.t", "public.u"]),
        ("2.sql", []),
        ("2.sql", ["public.t"]),
    ]


def test_a_transaction_that_a_tool_adds(folder: Path) -> None:
    (folder / "m.sql").write_text("CREATE INDEX CONCURRENTLY i ON orders (amount);")
    assert run("lint", "m.sql").exit_code == 0
    assert run("lint", "m.sql", "--assume-in-transaction").exit_code == 1


def test_a_baseline_hides_the_old_and_shows_the_new(folder: Path) -> None:
    (folder / "m.sql").write_text(QUIET + INDEX)
    written = run("lint", "m.sql", "--write-baseline", "known.json")
    assert (written.exit_code, written.stdout) == (0, "")
    assert "accepted in known.json" in written.stderr
    assert run("lint", "m.sql", "--baseline", "known.json").exit_code == 0
    (folder / "m.sql").write_text(QUIET + "\n" + INDEX + "CREATE INDEX ON orders (total);")
    result = run("lint", "m.sql", "--baseline", "known.json", "--format", "json")
    found = json.loads(result.stdout)["findings"]
    assert [finding["statement"] for finding in found] == ["CREATE INDEX ON orders (total)"]


def test_only_what_changed_since_a_git_ref_is_reported(folder: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments],
            check=True,
            capture_output=True,
        )

    (folder / "m").mkdir()
    (folder / "m" / "1.sql").write_text(QUIET + INDEX)
    git("init", "-b", "trunk")
    git("add", ".")
    git("commit", "-m", "first")
    git("checkout", "-b", "work")
    (folder / "m" / "2.sql").write_text(QUIET + INDEX.replace("(amount)", "(b)"))
    git("add", ".")
    git("commit", "-m", "second")
    (folder / "m" / "3.sql").write_text(QUIET + INDEX.replace("(amount)", "(c)"))
    result = run("lint", "m", "--diff", "trunk", "--format", "json")
    assert rules(result) == [
        ("index-not-concurrent", "2.sql"),
        ("index-not-concurrent", "3.sql"),
    ]


@pytest.mark.parametrize("shape", ["sarif", "github", "gitlab", "junit", "markdown", "text"])
def test_every_format_is_printed(folder: Path, shape: str) -> None:
    (folder / "m.sql").write_text(QUIET + INDEX)
    result = run("lint", "m.sql", "--format", shape)
    assert result.exit_code == 1
    assert "index-not-concurrent" in result.stdout


def test_settings_of_the_project_count(folder: Path) -> None:
    (folder / "m.sql").write_text(QUIET + INDEX)
    (folder / "pyproject.toml").write_text(
        '[tool.zero_downtime.lint]\nseverity = {"index-not-concurrent" = "warning"}\n'
    )
    assert run("lint", "m.sql").exit_code == 0
    (folder / "pyproject.toml").write_text(
        '[tool.zero_downtime.lint]\ndisable = ["index-not-concurent"]\n'
    )
    result = run("lint", "m.sql")
    assert result.exit_code == 2
    assert "no rule index-not-concurent" in result.stderr


# Alembic projects


def copied(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(PROJECTS / name, folder, dirs_exist_ok=True)
    monkeypatch.chdir(folder)


def test_a_strangers_history_is_linted_at_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied("clinic", tmp_path, monkeypatch)
    result = run("lint", "--format", "json")
    assert result.exit_code == 1
    for finding in json.loads(result.stdout)["findings"]:
        lines = Path(finding["file"]).read_text("utf-8").split("\n")
        assert "op." in "\n".join(lines[finding["line"] - 3 : finding["end_line"]])
        assert finding["revision"]
    assert {f["direction"] for f in json.loads(result.stdout)["findings"]} == {
        "upgrade",
        "downgrade",
    }


def test_one_revision_is_judged_in_its_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied("ledger", tmp_path, monkeypatch)
    file = next(tmp_path.rglob("0004_amounts_in_cents.py")).relative_to(tmp_path)
    result = run("lint", str(file), "--format", "json")
    found = json.loads(result.stdout)
    assert {finding["file"] for finding in found["findings"]} == {str(file)}
    messages = [f["message"] for f in found["findings"] if f["rule"] == "type-change-rewrite"]
    assert messages[0].startswith("amount from numeric(18,2) to bigint")
    assert found["summary"]["files"] == 1


def test_a_direction_that_does_not_run_is_noted_and_the_rest_is_linted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied("ledger", tmp_path, monkeypatch)
    file = next(tmp_path.rglob("0004_amounts_in_cents.py"))
    file.write_text(file.read_text("utf-8").partition("def downgrade")[0], "utf-8")
    other = next(tmp_path.rglob("0002_*.py"))
    text, _, _ = other.read_text("utf-8").partition("def downgrade")
    other.write_text(text + "def downgrade():\n    raise NotImplementedError('no way back')\n")
    result = run("lint")
    assert result.exit_code == 1
    assert "not looked into: downgrade" in result.stdout
    assert "the file has no function downgrade()" in result.stdout
    assert "no way back" in result.stdout
    assert "error[type-change-rewrite]" in result.stdout


def test_a_file_that_is_no_revision_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied("ledger", tmp_path, monkeypatch)
    (tmp_path / "other.py").write_text("x = 1\n")
    result = run("lint", "other.py")
    assert result.exit_code == 2
    assert "is no revision of this project's history" in result.stderr


def test_sql_files_can_follow_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied("ledger", tmp_path, monkeypatch)
    (tmp_path / "m.sql").write_text(QUIET + "ALTER TABLE posting ALTER COLUMN amount TYPE bigint;")
    assert run("lint", "m.sql", "--fail-on", "error").exit_code == 1
    assert run("lint", "m.sql", "--fail-on", "error", "--schema", "history").exit_code == 0


def test_several_databases_are_answered_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied("warehouses", tmp_path, monkeypatch)
    result = run("lint")
    assert result.exit_code == 2
    assert "several databases" in result.stderr


def test_the_reference_history_has_no_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    result = run("lint", "--fail-on", "warning", "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["summary"]["statements"] > 100


# zd explain


def test_explain_shows_why_the_safe_way_and_both_examples() -> None:
    said = run("explain", "index-not-concurrent").output
    for part in ("Why: ", "Safe way: ", "Bad:\n", "Good:\n", "zd: ignore[index-not-concurrent]"):
        assert part in said


def test_explain_lists_all_rules() -> None:
    from zero_downtime.lint import rules as known

    said = run("explain").output
    assert all(name in said for name in known())


def test_a_transaction_that_a_revision_begins_by_itself_is_one(
    make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(
        "op.execute('CREATE TABLE orders (id int)')",
        "with op.get_context().autocommit_block():\n"
        "    op.get_bind().exec_driver_sql('SELECT 1').first()  # so that it must be run\n"
        "    op.execute('BEGIN')\n"
        "    op.execute(\"SET LOCAL lock_timeout = '2s'\")\n"
        "    op.execute('ALTER TABLE orders ADD COLUMN gift boolean')\n"
        "    op.execute('COMMIT')",
    )
    monkeypatch.chdir(project.root)
    found = {rule for rule, _ in rules(run("lint", "--format", "json"))}
    assert not found & {"set-local-without-transaction", "no-lock-timeout", "nested-begin"}
