"""A JUnit file for CI servers."""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree as xml

from zero_downtime.lint.finding import Finding, Report
from zero_downtime.report.lint.words import path, summary
from zero_downtime.report.xml import printable


def junit(report: Report) -> str:
    """A suite for each file with findings, a failed test for each of them; or one that passed."""
    root = xml.Element("testsuites", _numbers(len(report.findings), "zd lint"))
    if not report.findings:
        suite = xml.SubElement(root, "testsuite", _numbers(0, "zd lint"))
        xml.SubElement(suite, "testcase", classname="zd lint", name="no findings")
    ordered = sorted(report.findings, key=lambda finding: finding.location.file)
    for file, group in groupby(ordered, key=lambda finding: finding.location.file):
        findings = list(group)
        name = printable(path(file))
        suite = xml.SubElement(root, "testsuite", _numbers(len(findings), name))
        for finding in findings:
            _case(suite, finding, name)
    xml.SubElement(root[0], "system-out").text = summary(report)
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode")


def _numbers(findings: int, name: str) -> dict[str, str]:
    return {"name": name, "tests": str(findings or 1), "failures": str(findings), "errors": "0"}


def _case(suite: xml.Element, finding: Finding, file: str) -> None:
    place = finding.location
    case = xml.SubElement(
        suite,
        "testcase",
        classname=file,
        name=f"{finding.rule} at {place.line}:{place.column}",
        file=file,
        line=str(place.line),
    )
    failure = xml.SubElement(
        case, "failure", type=finding.severity, message=printable(finding.message)
    )
    failure.text = printable(f"{finding.statement}\n\nSafe way: {finding.safe}")
