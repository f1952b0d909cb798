"""What the database fills in, and what it promises, for the running release."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.compatibility.used import follows, undone_by
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import fields_of, options_of

_FILLED_AGAIN = ("AT_ColumnDefault", "AT_AddIdentity", "AT_DropColumn")


class DropDefault(Rule):
    """The default of a column in use is dropped."""

    severity = "warning"
    on = ("AT_ColumnDefault",)
    why = (
        "Inserts of the running release that leave the column out get NULL, or fail where it is NOT"
        " NULL."
    )
    safe = "Release code that always gives a value, then drop the default."
    bad = "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN city DROP DEFAULT;"
    good = "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN city SET DEFAULT 'Osaka';"

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_ColumnDefault"):
            key, name = here.table(), command["name"]
            if "def" in command or follows(here, key, name, *_FILLED_AGAIN):
                continue
            column = here.relation(key).columns.get(name)
            if column is not None and (column.default is None or column.born == here.state.unit):
                continue
            if here.is_downgrade and undone_by(here, key, name, "AT_ColumnDefault"):
                continue
            effect = "get NULL, or fail if it is NOT NULL"
            if column is not None:
                effect = "fail" if column.not_null else "get NULL"
            yield self.found(
                here,
                f"Inserts of the running release that leave {short(key)}.{name} out {effect} from"
                " here on.",
                f"First release code that always gives {name}; then drop its default.",
                key,
            )


class NewColumnLosesDefault(Rule):
    """A NOT NULL column is added with a default that is dropped in the same migration."""

    on = ("AT_ColumnDefault",)
    why = (
        "The default only fills the rows that are there. The running release does not know the"
        " column, gives no value for it, and can't insert a row any more."
    )
    safe = "Keep the default until every running release gives a value."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN gift boolean NOT NULL DEFAULT false;\n"
        "ALTER TABLE orders ALTER COLUMN gift DROP DEFAULT;"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN gift boolean NOT NULL DEFAULT false;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_ColumnDefault"):
            key, name = here.table(), command["name"]
            column = here.relation(key).columns.get(name)
            if "def" in command or column is None or column.born != here.state.unit:
                continue
            if not column.not_null or here.is_downgrade or column.default is None:
                continue
            if follows(here, key, name, *_FILLED_AGAIN, "AT_DropNotNull"):
                continue
            yield self.found(
                here,
                f"{name} is NOT NULL and new: the running release does not know it, and without the"
                f" default its inserts into {short(key)} fail from here on.",
                f"Leave the default; drop it in a later release, once all code gives {name}.",
                key,
            )


class ChangedDefault(Rule):
    """The default of a column in use is changed."""

    severity = "warning"
    default = False
    on = ("AT_ColumnDefault",)
    why = "The running release, which leaves the column out, writes another value from then on."
    safe = "Let the application give the value."
    bad = "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN city SET DEFAULT 'Osaka';"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN note SET DEFAULT 'none';"

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_ColumnDefault"):
            key, name = here.table(), command["name"]
            column = here.relation(key).columns.get(name)
            if "def" not in command or column is None or column.default is None:
                continue
            if column.born != here.state.unit and not here.is_downgrade:
                yield self.found(
                    here,
                    f"Where the running release leaves {short(key)}.{name} out, it writes another"
                    " value from here on.",
                    f"Let the application give {name}.",
                    key,
                )


class DropNotNull(Rule):
    """A column in use may hold NULL from now on."""

    severity = "warning"
    on = ("AT_DropNotNull",)
    why = (
        "Code of the running release that reads the column was never written for NULL: it fails on"
        " the first row that the next release writes without a value."
    )
    safe = "Release code that can read NULL, then drop NOT NULL."
    bad = "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN email DROP NOT NULL;"
    good = "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN name DROP NOT NULL;"

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_DropNotNull"):
            key, name = here.table(), command["name"]
            column = here.relation(key).columns.get(name)
            if column is not None and (not column.not_null or column.born == here.state.unit):
                continue
            if here.is_downgrade and undone_by(here, key, name, "AT_SetNotNull"):
                continue
            if follows(here, key, name, "AT_DropColumn", "AT_SetNotNull"):
                continue
            yield self.found(
                here,
                f"{short(key)}.{name} may be NULL from here on: code of the running release that"
                " reads it may not be ready for that.",
                f"First release code that can read NULL in {name}.",
                key,
            )


class DropIdentity(Rule):
    """A column in use no longer gets its numbers by itself."""

    on = ("AT_DropIdentity",)
    why = (
        "An identity column is NOT NULL: inserts of the running release, which leave it out, fail."
    )
    safe = "Give the column another default in the same transaction."
    bad = "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN id DROP IDENTITY;"
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN id DROP IDENTITY,"
        " ALTER COLUMN id SET DEFAULT nextval('numbers');"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_DropIdentity"):
            key, name = here.table(), command["name"]
            column = here.relation(key).columns.get(name)
            if column is not None and (not column.identity or column.born == here.state.unit):
                continue
            if follows(here, key, name, *_FILLED_AGAIN, "AT_DropNotNull"):
                continue
            if here.is_downgrade and undone_by(here, key, name, "AT_AddIdentity"):
                continue
            yield self.found(
                here,
                f"Inserts of the running release leave {short(key)}.{name} out, which is NOT NULL:"
                " they fail from here on.",
                f"ALTER TABLE {short(key)} ALTER COLUMN {name} DROP IDENTITY,"
                f" ALTER COLUMN {name} SET DEFAULT nextval('…');",
                key,
            )


class DropExpression(Rule):
    """A generated column in use is no longer computed."""

    severity = "warning"
    on = ("AT_DropExpression",)
    why = "The running release does not write the column: its new rows have NULL there."
    safe = "Release code that writes the column, or fill it with a trigger."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN twice DROP EXPRESSION;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN twice SET STATISTICS 500;"

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_DropExpression"):
            key, name = here.table(), command["name"]
            column = here.relation(key).columns.get(name)
            if column is not None and (not column.generated or column.born == here.state.unit):
                continue
            yield self.found(
                here,
                f"The running release does not write {short(key)}.{name}: new and changed rows no"
                " longer have the value there.",
                f"Fill {name} with a trigger until the application does.",
                key,
            )


class IdentityAlways(Rule):
    """An identity column in use no longer takes numbers that are given."""

    severity = "warning"
    on = ("AT_SetIdentity",)
    why = (
        "With GENERATED ALWAYS an insert that gives a number fails, unless it says OVERRIDING"
        " SYSTEM VALUE."
    )
    safe = "BY DEFAULT, as long as any code gives numbers."
    bad = "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN id SET GENERATED ALWAYS;"
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN id SET GENERATED BY DEFAULT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_SetIdentity"):
            options = fields_of(command["def"]).get("items", ())
            if options_of(options).get("generated") != ord("a"):
                continue
            key, name = here.table(), command["name"]
            yield self.found(
                here,
                f"Inserts of the running release that give {short(key)}.{name} a number fail from"
                " here on.",
                f"ALTER TABLE {short(key)} ALTER COLUMN {name} SET GENERATED BY DEFAULT;",
                key,
            )
