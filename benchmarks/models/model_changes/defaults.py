"""Changes of server defaults."""

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Column,
    DateTime,
    Integer,
    Interval,
    Numeric,
    Sequence,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from model_changes.change import Family, all_of, item

FAMILY = Family("server default")
change, column = FAMILY.change, FAMILY.column

column("added", Column("x", Text), Column("x", Text, server_default="new"))
column("dropped", Column("x", Text, server_default="new"), Column("x", Text))
column("text", Column("x", Text, server_default="old"), Column("x", Text, server_default="new"))
column(
    "a quote in it",
    Column("x", Text, server_default="old"),
    Column("x", Text, server_default="it's 50 % :new"),
)
column(
    "a number",
    Column("x", Integer, server_default=text("0")),
    Column("x", Integer, server_default=text("1")),
)
column(
    "scale of a number",
    Column("x", Numeric, server_default=text("0")),
    Column("x", Numeric, server_default=text("0.00")),
)
column(
    "a boolean",
    Column("x", Boolean, server_default=text("false")),
    Column("x", Boolean, server_default=text("true")),
)
column(
    "a constant to a function",
    Column("x", DateTime, server_default=text("'2026-01-01'")),
    Column("x", DateTime, server_default=func.now()),
)
column(
    "now() to clock_timestamp()",
    Column("x", DateTime, server_default=func.now()),
    Column("x", DateTime, server_default=func.clock_timestamp()),
)
column(
    "gen_random_uuid() to uuidv7()",
    Column("x", Uuid, server_default=func.gen_random_uuid()),
    Column("x", Uuid, server_default=func.uuidv7()),
)
column(
    "an interval written otherwise",
    Column("x", Interval, server_default="1 day"),
    Column("x", Interval, server_default=text("interval '24 hours'")),
)
column(
    "an array",
    Column("x", ARRAY(Integer), server_default="{}"),
    Column("x", ARRAY(Integer), server_default="{1,2}"),
)
column(
    "jsonb", Column("x", JSONB, server_default="{}"), Column("x", JSONB, server_default='{"a": 1}')
)
column("json", Column("x", JSON, server_default="{}"), Column("x", JSON, server_default='{"a": 1}'))
column(
    "written otherwise",
    Column("x", Text, server_default=text("'a'")),
    Column("x", Text, server_default=text("'a'::text")),
    no_change=True,
)
column(
    "of a column of another type",
    Column("x", Text, server_default="0"),
    Column("x", Integer, server_default=text("0")),
    rows="INSERT INTO item VALUES (1, '1')",
)
change(
    "the next value of a sequence",
    all_of(lambda m: Sequence("numbers", metadata=m), item(Column("x", Integer))),
    all_of(
        lambda m: Sequence("numbers", metadata=m),
        item(Column("x", Integer, server_default=text("nextval('numbers')"))),
    ),
)
