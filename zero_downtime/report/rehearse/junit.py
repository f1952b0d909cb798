"""A rehearsal for a CI server: a suite a revision, a case for each thing that is proven."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as xml

from zero_downtime.rehearse.judge import rollback_reasons
from zero_downtime.rehearse.result import RehearsalResult, RevisionResult
from zero_downtime.report.rehearse.words import summary
from zero_downtime.report.xml import printable

_CASES = ("upgrade", "downgrade", "rollback", "verdict")


def junit(result: RehearsalResult) -> str:
    """JUnit's XML. What fails stands in the case ``verdict`` of its revision, with its reasons."""
    root = xml.Element("testsuites", name="zd rehearse")
    for revision in result.revisions:
        _suite(root, revision)
    if result.stopped:
        suite = xml.SubElement(root, "testsuite", _numbers("history", 1, 1))
        case = xml.SubElement(suite, "testcase", name="rehearsed to its end", classname="history")
        _fail(case, [result.stopped])
    if not len(root):
        suite = xml.SubElement(root, "testsuite", _numbers("history", 1, 0))
        xml.SubElement(suite, "testcase", name=summary(result), classname="history")
    if result.notes:
        suite = root[0]
        told = suite.find("system-out")
        told = xml.SubElement(suite, "system-out") if told is None else told
        told.text = _lines([*filter(None, [told.text]), *result.notes])
    xml.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"
    )


def _suite(root: xml.Element, revision: RevisionResult) -> None:
    failures = _failures(revision)
    name = printable(f"{revision.revision} {revision.message}".strip())
    suite = xml.SubElement(root, "testsuite", _numbers(name, len(_CASES), len(failures)))
    for case in _CASES:
        element = xml.SubElement(
            suite,
            "testcase",
            name=case,
            classname=revision.revision,
            file=revision.file,
            time=f"{_seconds(revision, case):.3f}",
        )
        if case in failures:
            _fail(element, failures[case])
    if revision.warnings:
        xml.SubElement(suite, "system-out").text = _lines(revision.warnings)


def _numbers(name: str, tests: int, failures: int) -> dict[str, str]:
    return {"name": name, "tests": str(tests), "failures": str(failures), "errors": "0"}


def _fail(case: xml.Element, said: list[str]) -> None:
    failure = xml.SubElement(case, "failure", type="unsafe", message=printable(said[0]))
    failure.text = _lines(said)


def _lines(said: Iterable[str]) -> str:
    return printable("\n".join(said))


def _failures(revision: RevisionResult) -> dict[str, list[str]]:
    """Which cases fail, and why."""
    found: dict[str, list[str]] = {}
    if revision.upgrade.failed:
        found["upgrade"] = [revision.upgrade.failed]
    if revision.downgrade.failed:
        found["downgrade"] = [revision.downgrade.failed]
    rollback = revision.rollback
    if rollback is not None and rollback.outcome != "restores":
        reasons, _ = rollback_reasons(rollback, revision.phase)
        found["rollback"] = [*reasons, *rollback.differences]
    if revision.reasons:
        found["verdict"] = list(revision.reasons)
    return found


def _seconds(revision: RevisionResult, case: str) -> float:
    return {"upgrade": revision.upgrade.seconds, "downgrade": revision.downgrade.seconds}.get(
        case, 0.0
    )
