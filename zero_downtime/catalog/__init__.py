"""Every object of one database as facts, read from pg_dump, and the comparison of two."""

from zero_downtime.catalog.compare import Change, Comparison, compare
from zero_downtime.catalog.dump import load_catalog
from zero_downtime.catalog.facts import Catalog, Fact, Identity
from zero_downtime.catalog.read import read_catalog
from zero_downtime.catalog.stable import compare_stable, load_dump, settled, stable

__all__ = [
    "Catalog",
    "Change",
    "Comparison",
    "Fact",
    "Identity",
    "compare",
    "compare_stable",
    "load_catalog",
    "load_dump",
    "read_catalog",
    "settled",
    "stable",
]
