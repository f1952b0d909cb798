"""Bring two catalogs to comparable form: a dump is not a fixed point.

``CHECK (c IN ('a','b'))`` on a varchar column dumps as one expression and, loaded and dumped
again, as another; from then on it stays. Partial indexes, views, policies and domains do the
same. So before a difference is believed, both sides pass load → dump until nothing moves.
"""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from weakref import WeakKeyDictionary

from zero_downtime.catalog.cluster import provide_cluster_objects
from zero_downtime.catalog.compare import Comparison, compare
from zero_downtime.catalog.dump import load_facts
from zero_downtime.catalog.facts import Catalog, Fact, Identity
from zero_downtime.catalog.part import part_of_dump, unsettled
from zero_downtime.catalog.read import dump_of, read_catalog
from zero_downtime.config import Ignore
from zero_downtime.errors import ServerError
from zero_downtime.postgres.server import Server, scratch_database

_ROUNDS = 4  # two have always been enough; more would be a bug of ours


def compare_stable(
    server: Server, old: Catalog, new: Catalog, names: tuple[str, str] = ("old", "new")
) -> Comparison:
    """Compare, and where the texts differ, compare again in stable form.

    Raises MajorMismatch when the two come from different majors.
    """
    return compare(*settled(server, old, new, names), names)


def settled(
    server: Server, old: Catalog, new: Catalog, names: tuple[str, str] = ("old", "new")
) -> tuple[Catalog, Catalog]:
    """Both catalogs with all that differs between them in stable form.

    What differs is loaded with what it stands on and no more, so that the price does not grow
    with the schema. Raises MajorMismatch.
    """
    moving = unsettled(compare(old, new, names))
    if not moving:
        return old, new
    with ThreadPoolExecutor(2) as both:
        before, after = (both.submit(_settled, server, each, moving) for each in (old, new))
        return before.result(), after.result()


def _settled(server: Server, catalog: Catalog, moving: frozenset[Identity]) -> Catalog:
    """The catalog with these facts in stable form."""
    wanted = moving.intersection(catalog.facts)
    if not wanted:
        return catalog
    settled_facts = _facts_until_stable(server, catalog, wanted)
    facts = dict(catalog.facts)
    for identity in wanted:
        after = settled_facts.get(identity)
        if after is not None:  # its place among the others stays
            facts[identity] = replace(after, position=facts[identity].position)
    return replace(catalog, facts=facts)


def _facts_until_stable(
    server: Server, catalog: Catalog, wanted: frozenset[Identity]
) -> dict[Identity, Fact]:
    """From the part of the dump, or from all of it where a part may not do."""
    if any(catalog.facts[each].more for each in wanted):  # its other statements are not in it
        return stable(server, catalog).facts
    known = _parts.setdefault(server, {})
    part = part_of_dump(catalog, wanted)
    key = (part, wanted)
    if key not in known:
        try:
            known[key] = _part_until_stable(server, part, wanted)
        except ServerError:  # it stands on something that pg_depend does not tell
            return stable(server, catalog).facts
    return known[key]


def _part_until_stable(
    server: Server, script: str, wanted: frozenset[Identity]
) -> dict[Identity, Fact]:
    before = load_facts(script)
    for _ in range(_ROUNDS):
        with scratch_database(server) as database:
            load_dump(server, database, script)
            script = dump_of(server, server.url(database))
        after = load_facts(script)
        if all(after.get(each) == before.get(each) for each in wanted):
            break
        before = after
    return after


_parts: WeakKeyDictionary[Server, dict[tuple[str, frozenset[Identity]], dict[Identity, Fact]]] = (
    WeakKeyDictionary()
)


def stable(server: Server, catalog: Catalog) -> Catalog:
    """The catalog after load → dump until the text stays as it is. Raises ServerError."""
    known = _known.setdefault(server, {})
    key = (catalog.dump_body, catalog.ignore)
    if key not in known:
        known[key] = _loaded_until_stable(server, catalog)
        known[known[key].dump_body, catalog.ignore] = known[key]  # a fixed point
    after = known[key]
    # What a dump does not carry over stays as it was read.
    hidden = {i: f for i, f in catalog.facts.items() if i.hidden}
    return replace(catalog, facts={**after.facts, **hidden}, dump=after.dump)


# A plan is proven by comparing the same few schemas again and again.
_known: WeakKeyDictionary[Server, dict[tuple[str, Ignore], Catalog]] = WeakKeyDictionary()


def _loaded_until_stable(server: Server, catalog: Catalog) -> Catalog:
    before = catalog
    for _ in range(_ROUNDS):
        with scratch_database(server) as database:
            load_dump(server, database, before.dump)
            after = read_catalog(server, database, ignore=catalog.ignore)
        if after.dump_body == before.dump_body:
            break
        before = after
    return after


def load_dump(server: Server, database: str, dump: str) -> None:
    """Run a schema dump or any SQL script in a database. Raises ServerError at its first error."""
    provide_cluster_objects(server, dump)
    done = subprocess.run(
        [
            str(server.client("psql")),
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            f"--dbname={server.url(database)}",
        ],
        input=dump,
        capture_output=True,
        text=True,
        env={**os.environ, "PGOPTIONS": "-c client_min_messages=error", "LC_ALL": "C"},
        check=False,
    )
    if done.returncode:
        reason = " ".join(done.stderr.split())
        raise ServerError(
            reason=f"a schema could not be loaded on the scratch server ({reason})",
            advice="Mend that statement, or give a server that has what it needs with --server",
        )
