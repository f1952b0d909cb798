"""Values that have a chance to meet a constraint, guessed from the constraint's own text.

Nothing here understands a constraint. Constants, lengths and patterns are picked out of it and
offered; the server says which rows it would take, and the generator learns from that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zero_downtime.rehearse.rows import compound, documents
from zero_downtime.rehearse.rows.draws import Maker
from zero_downtime.rehearse.rows.plain import numeric_limits
from zero_downtime.rehearse.rows.scalars import (
    NUMERIC,
    STRING,
    TEMPORAL,
    clamped,
    constant,
    copied,
    distinct,
    interval_makers,
    largest,
    numbers_in,
    numeric_beside,
    numeric_makers,
    temporal_beside,
    temporal_makers,
)
from zero_downtime.rehearse.rows.texts import patterns_in, text_makers
from zero_downtime.rehearse.rows.values import Values
from zero_downtime.rehearse.tables import Column

_TEXTUAL = {"text", "varchar", "bpchar", "citext", "name"}


def makers_for(
    column: Column,
    texts: Sequence[str],
    neighbours: Mapping[str, Column],
    values: Values,
    default: Maker | None,
    nullable: bool,
) -> list[Maker]:
    """Makers worth trying for a column that stands in these constraint texts.

    ``neighbours`` are the other columns of the same constraints: a value may have to lie
    before, after or at theirs.
    """
    kind, modifier = values.base(column.type, column.modifier)
    strings = distinct(s.replace("''", "'") for text in texts for s in STRING.findall(text))
    numbers = numbers_in(texts, strings)

    def beside(names: set[str]) -> list[str]:
        return [n for n, c in neighbours.items() if values.base(c.type, -1)[0].name in names]

    makers: list[Maker] = [] if default is None else [default]
    if kind.name in NUMERIC:
        integral = kind.name in ("int2", "int4", "int8")
        scale = 0 if integral else numeric_limits(modifier)[1] if modifier >= 4 else 2
        finest = max([scale, *(-int(n.as_tuple().exponent) for n in numbers)])
        scale = scale if integral or modifier >= 4 else finest
        offered = numeric_makers(numbers, max(scale, 0))
        offered += numeric_beside(beside(NUMERIC), max(scale, 0))
        offered += patterns_in(texts)
        makers += [clamped(make, largest(kind.name, modifier)) for make in offered]
    elif kind.name in _TEXTUAL:
        room = modifier - 4 if modifier >= 4 else 10_000
        makers += text_makers(texts, strings, numbers, room, values)
        makers += [copied(n) for n in beside(_TEXTUAL)]
    elif kind.name in TEMPORAL:
        makers += temporal_makers(strings, numbers, kind.name)
        makers += temporal_beside(beside(TEMPORAL), kind.name)
    elif kind.kind == "enum":
        makers += [constant(s) for s in strings if s in kind.labels]
        makers += [constant(label) for label in kind.labels]
    elif kind.name == "bool":
        makers += [constant("t"), constant("f")]
    elif kind.kind == "array":
        makers += compound.array_makers(kind.element, strings, numbers, values)
    elif kind.name in ("json", "jsonb"):
        makers += documents.makers(texts, strings, numbers, patterns_in(texts))
    elif kind.name == "bytea":
        makers += compound.bytes_makers(strings, numbers)
    elif kind.kind == "range":
        makers += compound.range_makers(kind.element, strings, numbers, values)
    elif kind.kind == "multirange":
        inner = values.types[kind.element].element
        ranges = compound.range_makers(inner, strings, numbers, values)
        makers += compound.multirange_makers(ranges)
    elif kind.name == "interval":
        makers += interval_makers(strings, numbers)
    elif kind.name in ("inet", "cidr"):
        makers += compound.address_makers(kind.name, strings, numbers)
    elif kind.name == "uuid":
        makers += [*compound.uuid_makers(), *(constant(s) for s in strings if s)]
    elif kind.name == "hstore":
        makers += compound.pair_makers(strings)
    elif kind.name == "tsvector":
        makers += compound.search_makers()
    else:
        makers += [constant(s) for s in strings if s]
    if column.default and (plain := STRING.match(column.default)):
        makers.append(constant(plain[1].replace("''", "'")))
    for said in [s for s in strings if kind.name in _TEXTUAL]:  # as likely as all the others
        makers += [constant(said)] * (len(makers) // (4 * len(strings)))
    if nullable:
        makers += [constant(None)] * max(1, len(makers) // 4)
    return makers
