"""Changes of columns but for their types and defaults."""

from sqlalchemy import BigInteger, Column, Computed, Identity, Integer, Text
from sqlalchemy.schema import FetchedValue

from model_changes.change import Family, item, table
from zero_downtime.schema import renamed_from

FAMILY = Family("column")
change, column = FAMILY.change, FAMILY.column

change("added", item(), item(Column("x", Text)))
change(
    "added with a default, NOT NULL",
    item(),
    item(Column("x", Text, nullable=False, server_default="new")),
)
change(
    "added NOT NULL without a default, to a table with rows",
    item(),
    item(Column("x", Text, nullable=False)),
    refused="null values",
)
change("dropped", item(Column("x", Text)), item())
change(
    "order",
    item(Column("x", Text), Column("y", Text)),
    item(Column("y", Text), Column("x", Text)),
    no_change=True,
)
change(
    "renamed",
    item(Column("x", Text)),
    item(Column("y", Text, info=renamed_from("x"))),
    keeps="SELECT count(*) = count(y) FROM item",
    rows="INSERT INTO item VALUES (1, 'x')",
)
column(
    "NOT NULL",
    Column("x", Text),
    Column("x", Text, nullable=False),
    rows="INSERT INTO item VALUES (1, 'x')",
)
column("nullable", Column("x", Text, nullable=False), Column("x", Text))
column(
    "NOT NULL and another type",
    Column("x", Integer),
    Column("x", BigInteger, nullable=False),
    rows="INSERT INTO item VALUES (1, 1)",
)
column("comment added", Column("x", Text), Column("x", Text, comment="What it's for"))
column("comment changed", Column("x", Text, comment="old"), Column("x", Text, comment="new: 50 %"))
column("comment dropped", Column("x", Text, comment="old"), Column("x", Text))
column("collation", Column("x", Text), Column("x", Text(collation="C")))
column("collation dropped", Column("x", Text(collation="C")), Column("x", Text))
column(
    "server_onupdate, which is the application's",
    Column("x", Text),
    Column("x", Text, server_onupdate=FetchedValue()),
    no_change=True,
)
column(
    "default and onupdate, which are the application's",
    Column("x", Text),
    Column("x", Text, default="a", onupdate="b"),
    no_change=True,
)
column(
    "computed: added",
    Column("y", Integer),
    Column("y", Integer, Computed("id * 2")),
    rows="INSERT INTO item VALUES (1, 2)",
)
change(
    "computed: a new column, stored",
    item(),
    item(Column("y", BigInteger, Computed("id * 2", persisted=True))),
)
change(
    "computed: a new column, virtual",
    item(),
    item(Column("y", BigInteger, Computed("id * 2", persisted=False))),
)
column(
    "computed: expression, stored",
    Column("y", BigInteger, Computed("id * 2", persisted=True)),
    Column("y", BigInteger, Computed("id * 3", persisted=True)),
)
column(
    "computed: expression, virtual",
    Column("y", BigInteger, Computed("id * 2", persisted=False)),
    Column("y", BigInteger, Computed("id * 3", persisted=False)),
)
column(
    "computed: stored to virtual",
    Column("y", BigInteger, Computed("id * 2", persisted=True)),
    Column("y", BigInteger, Computed("id * 2", persisted=False)),
)
column(
    "computed: an ordinary column",
    Column("y", BigInteger, Computed("id * 2", persisted=True)),
    Column("y", BigInteger),
)
column(
    "identity added",
    Column("n", BigInteger, nullable=False),
    Column("n", BigInteger, Identity(always=True)),
)
column(
    "identity dropped",
    Column("n", BigInteger, Identity(always=True)),
    Column("n", BigInteger, nullable=False),
)
column(
    "identity: BY DEFAULT to ALWAYS",
    Column("n", BigInteger, Identity(always=False)),
    Column("n", BigInteger, Identity(always=True)),
)
column(
    "identity: options",
    Column("n", BigInteger, Identity(always=True)),
    Column("n", BigInteger, Identity(always=True, increment=10, cache=5, cycle=True)),
)
column(
    "identity: start and limits",
    Column("n", BigInteger, Identity(start=1)),
    Column("n", BigInteger, Identity(start=100, minvalue=10, maxvalue=9999)),
)
change(
    "serial to identity",
    table("item", Column("id", BigInteger, primary_key=True)),
    table("item", Column("id", BigInteger, Identity(always=True), primary_key=True)),
    rows="INSERT INTO item DEFAULT VALUES",
)
change(
    "serial dropped",
    table("item", Column("id", BigInteger, primary_key=True)),
    table("item", Column("id", BigInteger, primary_key=True, autoincrement=False)),
    rows="INSERT INTO item DEFAULT VALUES",
)
change("a name that must be quoted", item(), item(Column('Order by "x"; --', Text)))
