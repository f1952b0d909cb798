"""The words in which rules speak of relations and of who waits."""

from __future__ import annotations

from zero_downtime.postgres.locks import LockMode


def short(key: str) -> str:
    """A relation as people call it: without the schema public."""
    return key.removeprefix("public.")


def waits(mode: LockMode, key: str) -> str:
    """Who waits while this lock is held on a relation."""
    if mode.blocks_reads:
        return f"every query on {short(key)}, SELECT included, waits"
    if mode.blocks_writes:
        return f"INSERT, UPDATE and DELETE on {short(key)} wait"
    return f"other schema changes of {short(key)} wait"


def rewrites_rows(key: str, what: str) -> str:
    """That something writes every row of a table anew."""
    return (
        f"{what} writes every row of {short(key)} anew under ACCESS EXCLUSIVE:"
        f" {waits(LockMode.ACCESS_EXCLUSIVE, key)} until it is done."
    )
