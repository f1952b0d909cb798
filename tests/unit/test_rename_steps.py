"""Declared renames as steps, and their way back."""

from __future__ import annotations

from zero_downtime.catalog.dump import load_catalog
from zero_downtime.generate.renames import rename_steps, undo_renames
from zero_downtime.schema.ddl import Rename

CURRENT = load_catalog(
    "CREATE TABLE public.items (id bigint, CONSTRAINT positive CHECK ((id > 0)));\n"
    "CREATE INDEX by_id ON public.items USING btree (id);\n",
    18,
)
MOVED = [
    Rename("constraint", "public.items.positive", "stock.things.above"),
    Rename("index", "public.by_id", "stock.by_number"),
    Rename("column", "public.items.id", "stock.things.number"),
    Rename("table", "public.items", "stock.things"),
]


def test_a_table_moves_first_and_what_is_in_it_is_renamed_there() -> None:
    assert [step.sql for step in rename_steps(MOVED, CURRENT)] == [
        "CREATE SCHEMA stock",
        "ALTER TABLE public.items SET SCHEMA stock",
        "ALTER TABLE stock.items RENAME TO things",
        "ALTER TABLE stock.things RENAME COLUMN id TO number",
        "ALTER TABLE stock.things RENAME CONSTRAINT positive TO above",
        "ALTER INDEX stock.by_id RENAME TO by_number",
    ]


def test_the_way_back_is_the_same_backwards() -> None:
    assert [step.sql for step in undo_renames(rename_steps(MOVED, CURRENT))] == [
        "ALTER INDEX stock.by_number RENAME TO by_id",
        "ALTER TABLE stock.things RENAME CONSTRAINT above TO positive",
        "ALTER TABLE stock.things RENAME COLUMN number TO id",
        "ALTER TABLE stock.things RENAME TO items",
        "ALTER TABLE stock.items SET SCHEMA public",
        "DROP SCHEMA stock",
    ]


def test_what_was_renamed_before_is_left_alone() -> None:
    done = load_catalog("CREATE TABLE stock.things (number bigint);\n", 18)
    assert rename_steps(MOVED, done) == ()
