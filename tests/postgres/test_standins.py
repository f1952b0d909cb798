"""Stand-ins for pgcrypto and uuid-ossp give what the real ones give, or say that they can't."""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.postgres.standins import used_in

Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(server: EmbeddedServer, database: str) -> Iterator[Connection]:
    with server.connect(database) as connection:
        connection.execute("CREATE SCHEMA tools")
        connection.execute('CREATE EXTENSION "uuid-ossp"')
        connection.execute("CREATE EXTENSION pgcrypto SCHEMA tools")
        yield connection


def value(connection: Connection, query: str, *values: object) -> Any:
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("name", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 119, 120, 200])
def test_digest_and_hmac_are_exact(connection: Connection, name: str, length: int) -> None:
    data, key = bytes(i * 7 % 256 for i in range(length)), bytes(range(length))
    digest = value(connection, "SELECT tools.digest(%s::bytea, %s)", data, name)
    assert digest == hashlib.new(name, data).digest()
    authenticated = value(
        connection, "SELECT tools.hmac(%s::bytea, %s::bytea, %s)", data, key, name
    )
    assert authenticated == hmac.new(key, data, name).digest()


def test_text_is_hashed_as_its_bytes(connection: Connection) -> None:
    assert value(connection, "SELECT tools.digest('grüße', 'sha1')") == (
        hashlib.sha1("grüße".encode()).digest()
    )
    assert value(connection, "SELECT tools.hmac('grüße', 'schlüssel', 'SHA256')") == (
        hmac.new("schlüssel".encode(), "grüße".encode(), "sha256").digest()
    )


def test_named_uuids_are_exact(connection: Connection) -> None:
    for version, make in ((3, uuid.uuid3), (5, uuid.uuid5)):
        made = value(
            connection, f"SELECT uuid_generate_v{version}(uuid_ns_dns(), 'www.example.org')"
        )
        assert made == make(uuid.NAMESPACE_DNS, "www.example.org")
    assert value(connection, "SELECT uuid_nil()") == uuid.UUID(int=0)
    for name in ("dns", "url", "oid", "x500"):
        made = value(connection, f"SELECT uuid_ns_{name}()")
        assert made == getattr(uuid, f"NAMESPACE_{name.upper()}")


def test_generated_uuids_are_of_their_version_and_differ(connection: Connection) -> None:
    for name, version in (("v1", 1), ("v1mc", 1), ("v4", 4)):
        query = f"SELECT uuid_generate_{name}() FROM generate_series(1, 500)"
        made = [row[0] for row in connection.execute(query)]
        assert len(set(made)) == 500
        assert {(each.version, each.variant) for each in made} == {(version, uuid.RFC_4122)}
    made = value(connection, "SELECT uuid_generate_v1()")
    seconds = (made.time - 122192928000000000) / 1e7
    assert abs(seconds - time.time()) < 60
    assert made.node >> 40 & 1  # marked as no network address


def test_random_bytes_have_the_length_asked_for(connection: Connection) -> None:
    for length in (1, 31, 32, 33, 1024):
        assert len(value(connection, "SELECT tools.gen_random_bytes(%s)", length)) == length
    with pytest.raises(psycopg.Error, match="Length not in range"):
        value(connection, "SELECT tools.gen_random_bytes(0)")
    assert value(connection, "SELECT tools.gen_random_uuid()").version == 4


@pytest.mark.parametrize(
    "call",
    [
        "tools.crypt('secret', 'salt')",
        "tools.gen_salt('bf', 8)",
        "tools.encrypt('data', 'key', 'aes')",
        "tools.pgp_sym_encrypt('data', 'key')",
        "tools.digest('data', 'blake2b')",
    ],
)
def test_what_sql_can_not_do_is_refused(connection: Connection, call: str) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="needs the real extension"):
        value(connection, f"SELECT {call}")


def test_a_database_tells_which_stand_ins_it_uses(
    server: EmbeddedServer, connection: Connection
) -> None:
    assert used_in(connection) == ("pgcrypto", "uuid-ossp")
    connection.execute("DROP EXTENSION pgcrypto")
    connection.execute("CREATE EXTENSION hstore")
    assert used_in(connection) == ("uuid-ossp",)


def test_extensions_of_the_server_itself_still_come_from_it(connection: Connection) -> None:
    available = [row[0] for row in connection.execute("SELECT name FROM pg_available_extensions")]
    assert {"vector", "pg_trgm", "pgcrypto", "uuid-ossp"} <= set(available)
    assert len(available) == len(set(available))


def test_both_may_be_in_one_schema(connection: Connection) -> None:
    connection.execute("DROP EXTENSION pgcrypto; CREATE EXTENSION pgcrypto")
    assert value(connection, "SELECT length(digest('a', 'sha1'))") == 20
    assert value(connection, "SELECT uuid_generate_v5(uuid_ns_dns(), 'a')::text") is not None
