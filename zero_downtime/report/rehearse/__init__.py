"""What ``zd rehearse`` found, in every shape that is asked for: pure functions, value → text."""

from zero_downtime.report.rehearse.html import html
from zero_downtime.report.rehearse.json import json_text
from zero_downtime.report.rehearse.junit import junit
from zero_downtime.report.rehearse.markdown import markdown
from zero_downtime.report.rehearse.text import text

SHAPES = {"json": json_text, "markdown": markdown, "junit": junit, "html": html}

__all__ = ["SHAPES", "html", "json_text", "junit", "markdown", "text"]
