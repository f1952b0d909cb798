"""What git knows of a folder: which files changed since a ref, and what stood in them there."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from zero_downtime.errors import InputError


class Base:
    """The commit from which the work at hand branched off a ref.

    Raises InputError when git does not know the ref or the folder is in no repository.
    """

    def __init__(self, ref: str, folder: Path, option: str = "--diff") -> None:
        self.ref = ref
        self._option = option
        self.root = folder
        self.root = Path(self._git("rev-parse", "--show-toplevel").strip()).resolve()
        self.commit = self._git("merge-base", ref, "HEAD").strip()

    def changed(self) -> set[Path]:
        """The files that differ from there, new ones included."""
        named = self._git("diff", "--name-only", "-z", self.commit)
        named += self._git("ls-files", "--others", "--exclude-standard", "-z")
        return {(self.root / name).resolve() for name in named.split("\0") if name}

    def python_sources(self, pattern: str, under: Path | None = None) -> Iterator[str]:
        """The Python files of that commit in which a line matches, as they were."""
        place = "*.py" if under is None else str(under.resolve().relative_to(self.root.resolve()))
        found = self._run("grep", "-lzE", pattern, self.commit, "--", place)
        for name in found.stdout.split(b"\0"):
            if name:
                shown = self._run("show", name.decode("utf-8", "surrogateescape"))
                yield shown.stdout.decode("utf-8", "replace")

    def export(self, folder: Path, suffixes: Collection[str]) -> None:
        """Write the files of that commit, those of these kinds, into another folder.

        Neither the index nor filters have a part in it.
        """
        names: dict[str, str] = {}  # by their contents' id
        listed = self._git("ls-tree", "-r", "-z", self.commit)
        for entry in listed.split("\0"):
            facts, _, name = entry.partition("\t")
            if facts.startswith("100") and Path(name).suffix in suffixes:
                names[name] = facts.split()[2]
        wanted = "".join(f"{number}\n" for number in names.values()).encode()
        rest = memoryview(self._run("cat-file", "--batch", input=wanted).stdout)
        for name in names:
            head, _, _ = bytes(rest[:200]).partition(b"\n")
            size = int(head.split()[2])
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rest[len(head) + 1 : len(head) + 1 + size])
            rest = rest[len(head) + size + 2 :]

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

    def _run(
        self, *arguments: str, input: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["git", *arguments], cwd=self.root, input=input, capture_output=True, check=False
            )
        except OSError as error:
            raise InputError(
                where=f"{self._option} {self.ref}",
                reason=f"git can't be run ({error.strerror})",
                advice=f"Install git, or leave {self._option} out",
            ) from error
