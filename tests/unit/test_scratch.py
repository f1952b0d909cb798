"""Scratch folders, where anybody may write beside them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from zero_downtime.errors import ServerError
from zero_downtime.postgres import scratch


def test_a_folder_that_somebody_else_laid_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Server programs are run from there, some of them as root."""
    monkeypatch.setattr(scratch, "_LONGEST_BASE", 300)
    (tmp_path / "theirs").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"zero-downtime-{os.getuid()}").symlink_to(tmp_path / "theirs")
    with pytest.raises(ServerError, match="belongs to somebody else"):
        scratch.base()
