"""The line by which a generated revision tells whether it was edited by hand since."""

from __future__ import annotations

import re
from hashlib import sha256

from zero_downtime.history.revisions import Revision

_SEAL = re.compile(r"^# zd: plan ([0-9a-f]+)[^\n]*\n?", re.MULTILINE)


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
