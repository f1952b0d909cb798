"""Changes of a column's type."""

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    Time,
    Uuid,
)
from sqlalchemy.dialects.postgresql import (
    BIT,
    CHAR,
    CITEXT,
    DOMAIN,
    HSTORE,
    INET,
    INT4RANGE,
    INT8RANGE,
    INTERVAL,
    JSONB,
    TIMESTAMP,
    TSVECTOR,
)

from model_changes.change import Family

FAMILY = Family("type")
column = FAMILY.column

column("varchar(20) longer", Column("x", String(20)), Column("x", String(40)))
column(
    "varchar(40) shorter",
    Column("x", String(40)),
    Column("x", String(20)),
    rows="INSERT INTO item VALUES (1, 'short')",
)
column("varchar(20) to varchar", Column("x", String(20)), Column("x", String()))
column(
    "varchar to varchar(20)",
    Column("x", String()),
    Column("x", String(20)),
    rows="INSERT INTO item VALUES (1, 'short')",
)
column("varchar(20) to text", Column("x", String(20)), Column("x", Text))
column("char(4) to varchar(4)", Column("x", CHAR(4)), Column("x", String(4)))
column("text to citext", Column("x", Text), Column("x", CITEXT), before="CREATE EXTENSION citext")
column("smallint to integer", Column("x", SmallInteger), Column("x", Integer))
column("integer to bigint", Column("x", Integer), Column("x", BigInteger))
column(
    "bigint to integer",
    Column("x", BigInteger),
    Column("x", Integer),
    rows="INSERT INTO item VALUES (1, 7)",
)
column("integer to numeric", Column("x", Integer), Column("x", Numeric))
column("numeric: precision", Column("x", Numeric(10, 2)), Column("x", Numeric(12, 2)))
column("numeric: scale", Column("x", Numeric(10, 2)), Column("x", Numeric(12, 4)))
column("numeric(10, 2) to numeric", Column("x", Numeric(10, 2)), Column("x", Numeric))
column(
    "numeric to numeric(10, 2)",
    Column("x", Numeric),
    Column("x", Numeric(10, 2)),
    rows="INSERT INTO item VALUES (1, 12.5)",
)
column("numeric to double precision", Column("x", Numeric), Column("x", Double))
column("timestamp to timestamptz", Column("x", DateTime), Column("x", DateTime(timezone=True)))
column("timestamp: precision", Column("x", TIMESTAMP), Column("x", TIMESTAMP(precision=3)))
column("date to timestamp", Column("x", Date), Column("x", DateTime))
column("time to timetz", Column("x", Time), Column("x", Time(timezone=True)))
column("interval: fields", Column("x", Interval), Column("x", INTERVAL(fields="DAY TO SECOND")))
column(
    "text to integer, which needs USING",
    Column("x", Text),
    Column("x", Integer),
    rows="INSERT INTO item VALUES (1, '7')",
)
column(
    "integer to boolean, which needs USING",
    Column("x", Integer),
    Column("x", Boolean),
    rows="INSERT INTO item VALUES (1, 1)",
)
column(
    "text to uuid, which needs USING",
    Column("x", Text),
    Column("x", Uuid),
    rows="INSERT INTO item VALUES (1, 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6')",
)
column("json to jsonb", Column("x", JSON), Column("x", JSONB))
column(
    "text to jsonb, which needs USING",
    Column("x", Text),
    Column("x", JSONB),
    rows="INSERT INTO item VALUES (1, '{}')",
)
column(
    "text to bytea, which needs USING",
    Column("x", Text),
    Column("x", LargeBinary),
    rows="INSERT INTO item VALUES (1, 'x')",
)
column("integer[] to bigint[]", Column("x", ARRAY(Integer)), Column("x", ARRAY(BigInteger)))
column("varchar(9)[] to text[]", Column("x", ARRAY(String(9))), Column("x", ARRAY(Text)))
column(
    "integer to integer[], which needs USING",
    Column("x", Integer),
    Column("x", ARRAY(Integer)),
    rows="INSERT INTO item VALUES (1, NULL)",
)
column(
    "dimensions of an array, which PostgreSQL ignores",
    Column("x", ARRAY(Integer)),
    Column("x", ARRAY(Integer, dimensions=2)),
    no_change=True,
)
column("bit(3) to bit varying(3)", Column("x", BIT(3)), Column("x", BIT(3, varying=True)))
column(
    "text to inet, which needs USING",
    Column("x", Text),
    Column("x", INET),
    rows="INSERT INTO item VALUES (1, '10.0.0.1')",
)
column(
    "int4range to int8range, which needs USING",
    Column("x", INT4RANGE),
    Column("x", INT8RANGE),
    rows="INSERT INTO item VALUES (1, NULL)",
)
column(
    "text to tsvector, which needs USING",
    Column("x", Text),
    Column("x", TSVECTOR),
    rows="INSERT INTO item VALUES (1, 'words')",
)
column(
    "hstore to jsonb, which needs USING",
    Column("x", HSTORE),
    Column("x", JSONB),
    before="CREATE EXTENSION hstore",
    rows="INSERT INTO item VALUES (1, NULL)",
)
column(
    "text to a domain over it",
    Column("x", Text),
    Column("x", DOMAIN("short_text", Text, check="length(VALUE) < 100")),
    rows="INSERT INTO item VALUES (1, 'x')",
)
column(
    "a domain: its check",
    Column("x", DOMAIN("short_text", Text, check="length(VALUE) < 100", constraint_name="short")),
    Column("x", DOMAIN("short_text", Text, check="length(VALUE) < 99", constraint_name="short")),
    rows="INSERT INTO item VALUES (1, 'x')",
)
column(
    "a domain: its default, and NOT NULL",
    Column("x", DOMAIN("short_text", Text)),
    Column("x", DOMAIN("short_text", Text, default="", not_null=True)),
    rows="INSERT INTO item VALUES (1, 'x')",
)
