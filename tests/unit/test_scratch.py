"""Scratch folders, where anybody may write beside them."""

from __future__ import annotations

import os
import pwd
import tempfile
from pathlib import Path

import pytest

from zero_downtime.errors import ServerError
from zero_downtime.postgres import scratch
from zero_downtime.postgres.programs import reachable


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


def test_programs_that_nobody_can_reach_are_copied_and_old_copies_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "_LONGEST_BASE", 300)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    programs = tmp_path / "closed" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").touch()
    programs.parent.chmod(0o700)
    old = scratch.base() / "programs-0-0"
    old.mkdir()
    os.utime(old, (0, 0))
    copy = reachable(programs, pwd.getpwuid(os.getuid()))
    assert (copy / "postgres").is_file() and programs not in copy.parents
    assert not old.exists()
    assert reachable(programs, pwd.getpwuid(os.getuid())) == copy
