"""What git knows of a folder: which files changed since a ref, and what stood in them there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from zero_downtime.errors import InputError


class Base:
    """The commit from which the work at hand branched off a ref.

    Raises InputError when git does not know the ref or the folder is in no repository.
    """

    def __init__(self, ref: str, folder: Path, option: str = "--diff") -> None:
        self.ref = ref
        self._option = option
        self._root = folder
        self._root = Path(self._git("rev-parse", "--show-toplevel").strip())
        self.commit = self._git("merge-base", ref, "HEAD").strip()

    def changed(self) -> set[Path]:
        """The files that differ from there, new ones included."""
        named = self._git("diff", "--name-only", "-z", self.commit)
        named += self._git("ls-files", "--others", "--exclude-standard", "-z")
        return {(self._root / name).resolve() for name in named.split("\0") if name}

    def python_sources(self, pattern: str, under: Path | None = None) -> Iterator[str]:
        """The Python files of that commit in which a line matches, as they were."""
        place = "*.py" if under is None else str(under.resolve().relative_to(self._root.resolve()))
        found = self._run("grep", "-lzE", pattern, self.commit, "--", place)
        for name in found.stdout.split(b"\0"):
            if name:
                shown = self._run("show", name.decode("utf-8", "surrogateescape"))
                yield shown.stdout.decode("utf-8", "replace")

    def _git(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())
            raise InputError(
                where=f"{self._option} {self.ref}",
                reason=f"git says: {said or 'no common ancestor'}",
                advice="The project has to lie in a repository of git"
                if "--show-toplevel" in arguments
                else "Name a branch or commit",
            )
        return done.stdout.decode("utf-8", "surrogateescape")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["git", *arguments], cwd=self._root, capture_output=True, check=False
            )
        except OSError as error:
            raise InputError(
                where=f"{self._option} {self.ref}",
                reason=f"git can't be run ({error.strerror})",
                advice=f"Install git, or leave {self._option} out",
            ) from error
