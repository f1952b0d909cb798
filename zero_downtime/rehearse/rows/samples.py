"""Texts that the server accepts, for types about which nothing else is known."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.candidates import makers_for
from zero_downtime.rehearse.rows.draws import Draw
from zero_downtime.rehearse.rows.values import GUESSES, Values
from zero_downtime.rehearse.session import Connection
from zero_downtime.rehearse.tables import Column, Tables


def samples_of(connection: Connection, tables: Tables) -> dict[int, tuple[str, ...]]:
    """Texts that the server accepts for the types that are not known by name."""
    values = Values(tables.types)
    unknown = {
        values.base(column.type, -1)[0].oid: values.base(column.type, -1)[0]
        for table in tables
        for column in table.columns
        if values.of(column) is None
    }
    samples = {oid: _accepted(connection, kind.sql, GUESSES) for oid, kind in unknown.items()}
    for oid in _domains_within(tables):
        column = Column(0, "value", oid, -1, True, "", "", None, "")
        made = makers_for(
            column, values.domain_checks(oid), {}, values, values.of(column), nullable=False
        )
        random = Random(tables.types[oid].sql)  # oids differ from database to database
        texts = [make(Draw(random, n)) for n in range(12) for make in made][:400]
        samples[oid] = _accepted(connection, tables.types[oid].sql, filter(None, texts))
    return {oid: texts for oid, texts in samples.items() if texts}


def _accepted(connection: Connection, type_sql: str, texts: Iterable[str]) -> tuple[str, ...]:
    accepted = []
    for text in dict.fromkeys(texts):
        try:
            with connection.transaction():
                connection.execute(
                    sql.SQL("SELECT {}::{}").format(sql.Literal(text), sql.SQL(type_sql))
                )
        except psycopg.Error:
            continue
        accepted.append(text)
    return tuple(accepted)


def _domains_within(tables: Tables) -> list[int]:
    """Domains with checks that are elements of arrays or parts of composite types."""
    found: list[int] = []

    def look(oid: int, within: bool, depth: int) -> None:
        kind = tables.types[oid]
        if kind.kind == "domain" and within and kind.checks and oid not in found:
            found.append(oid)
        if depth < 5 and kind.kind in ("array", "domain"):
            look(kind.element, within or kind.kind == "array", depth + 1)
        for _, of, _ in kind.attributes if depth < 5 else ():
            look(of, True, depth + 1)

    for table in tables:
        for column in table.columns:
            look(column.type, False, 0)
    return found
