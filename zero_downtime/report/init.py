"""What ``zd init`` did, as text."""

from __future__ import annotations

from zero_downtime.init import Initialised


def text(done: Initialised) -> str:
    """The result as lines for a person."""
    lines = []
    if done.changed:
        what = "Adopted the Alembic project in" if done.adopted else "Made a project in"
        lines.append(f"{what} {done.folder}")
    lines += [f"  made     {name}" for name in sorted(done.made)]
    lines += [f"  grown    {name}, by the tables at its end" for name in done.grown]
    lines += [f"  kept     {name}, as it was" for name in done.kept]
    lines += [f"  note     {note}" if done.changed else note for note in done.notes]
    if done.next_steps:
        lines += ["", "Next:", *(f"  {step}" for step in done.next_steps)]
    return "\n".join(lines)
