"""Texts that match a regular expression or a LIKE pattern."""

from __future__ import annotations

import importlib
import string
import warnings
from random import Random
from typing import Any

from zero_downtime.rehearse.rows.draws import Draw, Maker


def from_pattern(pattern: str) -> Maker | None:
    """What makes texts that a regular expression matches; None when it is too clever for us.

    PostgreSQL's advanced regular expressions and Python's agree on what constraints use.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python may read it differently one day
            parsed = importlib.import_module("re._parser").parse(pattern)
    except Exception:  # a pattern of PostgreSQL's that Python does not know
        return None

    def make(draw: Draw) -> str | None:
        try:
            return _matching(parsed, draw.random, {})
        except NotImplementedError:
            return None

    return make


def from_like(pattern: str) -> str:
    """A text that a LIKE pattern matches."""
    text = ""
    escaped = False
    for letter in pattern:
        if not escaped and letter == "\\":
            escaped = True
            continue
        text += letter if escaped or letter not in "%_" else "a"
        escaped = False
    return text


def _matching(parsed: Any, random: Random, groups: dict[int, str]) -> str:
    text = ""
    for code, argument in parsed:
        name = str(code)
        if name == "LITERAL":
            text += chr(argument)
        elif name == "NOT_LITERAL":
            text += "a" if argument != ord("a") else "b"
        elif name == "ANY":
            text += random.choice("abcxyz")
        elif name == "IN":
            text += _letter(argument, random)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, inner = argument
            times = random.randint(least, min(int(most), least + 6))
            text += "".join(_matching(inner, random, groups) for _ in range(times))
        elif name == "SUBPATTERN":
            part = _matching(argument[-1], random, groups)
            if argument[0] is not None:
                groups[argument[0]] = part
            text += part
        elif name == "BRANCH":
            text += _matching(random.choice(argument[1]), random, groups)
        elif name == "CATEGORY":
            text += random.choice(_category(str(argument)))
        elif name == "GROUPREF":
            text += groups.get(argument, "")
        elif name not in ("AT", "ASSERT", "ASSERT_NOT"):
            raise NotImplementedError(name)
    return text


def _letter(options: Any, random: Random) -> str:
    letters: set[str] = set()
    negated = False
    for code, argument in options:
        name = str(code)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            letters.add(chr(argument))
        elif name == "RANGE":
            low, high = argument
            letters.update(chr(n) for n in range(low, min(high, low + 200) + 1))
        elif name == "CATEGORY":
            letters.update(_category(str(argument)))
        else:
            raise NotImplementedError(name)
    if negated:
        letters = set(string.ascii_letters + string.digits + "-_ .") - letters
    if not letters:
        raise NotImplementedError("an empty class")
    return random.choice(sorted(letters))


def _category(name: str) -> str:
    return {
        "CATEGORY_DIGIT": string.digits,
        "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
        "CATEGORY_SPACE": " ",
        "CATEGORY_NOT_SPACE": string.ascii_letters,
        "CATEGORY_NOT_DIGIT": string.ascii_letters,
        "CATEGORY_NOT_WORD": "-.",
    }.get(name, string.ascii_letters)
