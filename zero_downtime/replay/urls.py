"""Where a database is, as libpq, SQLAlchemy and Alembic's configuration write it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from zero_downtime.postgres.urls import libpq_url

# Connection arguments that say where to and as whom; all others are how, and stay as they are.
WHERE = frozenset(
    (
        *("dsn", "conninfo", "host", "hostaddr", "port", "dbname", "database", "service"),
        *("user", "password", "passfile", "require_auth", "krbsrvname", "gssencmode"),
        *("ssl", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword"),
        *("channel_binding", "direct_tls", "target_session_attrs", "load_balance_hosts"),
    )
)


def sqlalchemy_url(url: str) -> sa.URL:
    """A libpq URL or connection string as SQLAlchemy's, with the driver psycopg."""
    if "://" not in url:
        url = url_of(conninfo_to_dict(url))
    return sa.make_url(libpq_url(url)).set(drivername="postgresql+psycopg")


def url_of(options: Mapping[str, Any]) -> str:
    """The libpq URL that connection arguments come to."""
    host = str(options.get("host") or "")
    named = {"user", "username", "password", "port", "dbname"}
    rest = {name: str(value) for name, value in options.items() if name not in named | {"host"}}
    if host.startswith("/") or "," in host:
        rest["host"], host = host, ""
        if options.get("port"):
            rest["port"] = str(options["port"])
    made = sa.URL.create(
        "postgresql",
        username=options.get("user") or None,
        password=options.get("password") or None,
        host=host or None,
        port=int(options["port"]) if options.get("port") and host else None,
        database=options.get("dbname") or None,
        query=rest,
    )
    return made.render_as_string(hide_password=False)


def set_url(config: Any, url: str) -> None:
    """Fill in sqlalchemy.url where the ini file has the template's placeholder or nothing."""
    with contextlib.suppress(Exception):
        if sa.make_url(config.get_main_option("sqlalchemy.url")).get_backend_name() == "postgresql":
            return
    rendered = sqlalchemy_url(url).render_as_string(hide_password=False)
    config.set_main_option("sqlalchemy.url", rendered.replace("%", "%%"))
