"""The shapes of a rehearsal's report, from a result that has everything in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from zero_downtime.rehearse.result import (
    ClientError,
    Crash,
    Forecast,
    HeldLock,
    LockWait,
    Lost,
    Moment,
    RehearsalResult,
    RevisionResult,
    Rollback,
    Run,
    StepResult,
    Waits,
)
from zero_downtime.report.rehearse import SHAPES, html, json_text, junit, markdown, text
from zero_downtime.report.rehearse.timeline import WIDTH, timeline

STEP = StepResult(
    "ALTER TABLE orders ADD CHECK (note <> '<|>')",
    "r.py",
    12,
    0.4,
    (
        HeldLock("public.orders", "ACCESS EXCLUSIVE", 0.4, start=0.05),
        HeldLock("public.customers", "SHARE ROW EXCLUSIVE", 0.002, seen=False),
    ),
    rewrote=("public.orders",),
    reads=Waits(10, 1, 380, 390),
    writes=Waits(10, 1, 380, 391),
    differences=("took SHARE on public.orders, predicted was ACCESS SHARE",),
    start=0.05,
    waits=(LockWait("client", "public.orders", "ROW EXCLUSIVE", 3, 0.391, 0.9),),
    dead_rows=1200,
    temp_bytes=5 << 20,
    disk_bytes=40 << 20,
    horizon_seconds=2.0,
    horizon_transactions=340,
)
UP = Run(
    0.5,
    (STEP,),
    errors=(ClientError("42703", 3, "column x does not exist"),),
    course=tuple(Moment(n / 100, 390.0 if 5 <= n < 45 else 1.0, 2.0) for n in range(-20, 70)),
)
BROKEN = RevisionResult(
    "ab12",
    "Notes | of <orders>",
    "expand",
    "r.py",
    UP,
    Run(0.1, (STEP,)),
    Rollback(
        "differs", False, ("missing: default of orders.note",), 100, (Lost("orders", lost=2),)
    ),
    (Crash("in", "CREATE INDEX CONCURRENTLY i ON orders (a)", "r.py", 9, ("public.i",)),),
    (
        Forecast(
            "ALTER TABLE orders VALIDATE CONSTRAINT c",
            "r.py",
            13,
            "public.orders",
            ((10_000, 0.01), (90_000, 0.1)),
            80_000_000,
            90.0,
            80.0,
            120.0,
            "nobody",
        ),
    ),
    ("readers waited up to 0.4 s",),
    ("rows of a_b stay",),
)
FINE = RevisionResult(
    "cd34", "Nothing", None, "s.py", Run(0.01), Run(0.01), Rollback("restores", True)
)
RESULT = RehearsalResult(
    "18.6", (BROKEN, FINE), 100, 4, 3.2, ("no client wrote to x",), None, {"orders": 100}
)


def test_every_shape_says_the_verdict_first_and_the_reasons() -> None:
    for shape in (text, markdown, html):
        told = re.sub(r"<style>.*</style>", "", shape(RESULT), flags=re.DOTALL)
        assert re.search("unsafe", told, re.IGNORECASE)
        assert told.lower().index("unsafe") < told.index("readers waited up to 0.4 s")
        assert "ACCESS EXCLUSIVE" in told
        assert "killed once: continued and undone, 1 INVALID index cleared" in told
        plain = " ".join(told.replace("\\", "").split())
        assert "about 90.0 s (80.0 s to 2 min) at 80,000,000" in plain
    assert json.loads(json_text(RESULT))["verdict"] == "unsafe"


@pytest.mark.parametrize("shape", [text, html, markdown])
def test_costs_and_waits_are_told(shape: Callable[[RehearsalResult], str]) -> None:
    said = " ".join(shape(RESULT).replace("\\", "").split())
    for fact in (
        "5 MB in temporary files",
        "40 MB more on disk",
        "1,200 dead rows left",
        "held back vacuum for 2.0 s (340 transactions)",
        "clients waited 3 times for ROW EXCLUSIVE on public.orders, up to 391 ms",
        "ACCESS EXCLUSIVE",
        "400 ms",
        "under 2 ms",
    ):
        assert fact in said


@pytest.mark.parametrize("shape", SHAPES)
def test_a_rehearsal_of_nothing_has_every_shape(shape: str) -> None:
    assert SHAPES[shape](RehearsalResult("18.6", (), 0, 4, 0.1))


def test_junit_has_a_failure_for_each_case_that_failed() -> None:
    suites = ElementTree.fromstring(junit(RESULT)).findall("testsuite")
    assert [suite.get("failures") for suite in suites] == ["2", "0"]
    failed = [case.get("name") for case in suites[0] if case.find("failure") is not None]
    assert failed == ["rollback", "verdict"]
    assert all(len(suite.findall("testcase")) == int(suite.get("tests", 0)) for suite in suites)


def test_junit_names_the_rollback_that_failed_and_holds_what_xml_can_not() -> None:
    control = replace(RESULT, revisions=(replace(BROKEN, reasons=("it said \x1b[1m",)),))
    (suite,) = ElementTree.fromstring(junit(control)).findall("testsuite")[:1]
    said = [failure.get("message") for failure in suite.iter("failure")]
    assert said == [
        "the downgrade does not restore the catalog (missing: default of orders.note)",
        "it said  [1m",
    ]


LONG = replace(
    RESULT,
    revisions=tuple(
        replace(
            BROKEN if n == 7 else FINE, revision=f"r{n}", upgrade=replace(UP, steps=(STEP,) * 40)
        )
        for n in range(60)
    ),
)


def test_a_comment_is_not_longer_than_one_may_be() -> None:
    said = markdown(LONG)
    assert len(said) < 65_536
    assert "`r59`" in said
    assert said.index("<code>r7</code> step by step") < said.index("<code>r0</code> step by step")
    assert "do not fit into a comment" in said


def test_a_terminal_has_the_heaviest_steps_on_one_screen() -> None:
    lock = HeldLock("public.orders", "SHARE", 0.1)
    steps = [StepResult(f"SELECT {n}", "r.py", n, n, (lock,)) for n in range(40)]
    long = replace(FINE, upgrade=Run(1, tuple(steps)), downgrade=Run(1, tuple(steps)))
    said = text(replace(RESULT, revisions=(long,))).splitlines()
    assert len(said) < 50
    assert any(line.endswith("40 SELECT 39") for line in said)
    assert not any("SELECT 20" in line for line in said)
    assert "32 lighter steps" in " ".join(said)


def test_a_long_page_is_folded_but_for_what_is_wrong() -> None:
    page = html(LONG)
    assert page.count('<details class="revision" open>') == 1
    assert page.count('<details class="revision" >') == 59
    assert '<span class="warning">1 warning</span>' in page
    assert all(f'href="#r{n}"' in page and f'id="r{n}"' in page for n in range(60))


def test_markdown_tables_keep_their_cells() -> None:
    lines = markdown(RESULT).splitlines()
    for line in lines:
        if line.startswith("| "):
            cells = re.split(r"(?<!\\)\|", line)
            assert len(cells) in (7, 8), line
    assert "a\\_b" in "\n".join(lines)


def test_a_timeline_stands_within_its_drawing() -> None:
    drawn = timeline(UP)
    assert [row.name for row in drawn.rows] == ["steps", "orders", "customers"]
    assert [bar.kind for bar in drawn.bars] == ["step", "reads", "writes"]
    assert all(0 < bar.x < bar.x + bar.width <= WIDTH for bar in drawn.bars)
    assert all(0 <= tick.x <= WIDTH for tick in drawn.ticks)
    assert 4 <= len(drawn.ticks) <= 16
    assert drawn.worst == "390 ms"
    assert timeline(Run()).worst == ""
    long = replace(STEP, locks=(HeldLock("public.orders_by_day_and_customer_2025", "SHARE", 1),))
    assert timeline(Run(1, (long,))).rows[1].name == "orders_by…nd_customer_2025"


def test_the_page_escapes_what_it_shows() -> None:
    page = html(RESULT)
    assert "<orders>" not in page
    assert "&lt;orders&gt;" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_a_browser_draws_the_page(tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(html(RESULT), "utf-8")
    options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    options += " --disable-background-networking --disable-component-update --disable-sync"
    command = ["chromium", *options.split(), f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, "--window-size=1000,900", f"--screenshot={picture}", page.as_uri()],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 10_000  # an empty page is a tenth of that
