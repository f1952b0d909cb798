"""A rehearsal for a CI server: a suite a revision, a case for each thing that is proven."""

from __future__ import annotations

from xml.etree import ElementTree as xml

from zero_downtime.rehearse.result import RehearsalResult, RevisionResult

_CASES = ("upgrade", "downgrade", "rollback", "verdict")


def junit(result: RehearsalResult) -> str:
    """JUnit's XML. What fails stands in the case ``verdict`` of its revision, with its reasons."""
    root = xml.Element("testsuites", name="zd rehearse")
    for revision in result.revisions:
        _suite(root, revision)
    if result.stopped:
        suite = xml.SubElement(root, "testsuite", name="history", tests="1", failures="1")
        case = xml.SubElement(suite, "testcase", name="rehearsed to its end", classname="history")
        xml.SubElement(case, "failure", message=result.stopped)
    xml.indent(root)
    return xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: xml.Element, revision: RevisionResult) -> None:
    failures = _failures(revision)
    name = f"{revision.revision} {revision.message}".strip()
    suite = xml.SubElement(
        root, "testsuite", name=name, tests=str(len(_CASES)), failures=str(len(failures))
    )
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
            failure = xml.SubElement(element, "failure", message=failures[case][0])
            failure.text = "\n".join(failures[case])
    if revision.warnings:
        xml.SubElement(suite, "system-out").text = "\n".join(revision.warnings)


def _failures(revision: RevisionResult) -> dict[str, list[str]]:
    """Which cases fail, and why."""
    found: dict[str, list[str]] = {}
    if revision.upgrade.failed:
        found["upgrade"] = [revision.upgrade.failed]
    if revision.downgrade.failed:
        found["downgrade"] = [revision.downgrade.failed]
    rollback = revision.rollback
    if rollback is not None and rollback.outcome != "restores":
        said = [rollback.outcome, *rollback.differences]
        found["rollback"] = [*said, *filter(None, (rollback.where, rollback.reason))]
    if revision.reasons:
        found["verdict"] = list(revision.reasons)
    return found


def _seconds(revision: RevisionResult, case: str) -> float:
    return {"upgrade": revision.upgrade.seconds, "downgrade": revision.downgrade.seconds}.get(
        case, 0.0
    )
