"""Settings come from the environment; the defaults suit a developer's machine."""

import os
from dataclasses import dataclass, field
from urllib.parse import quote


def _env(name: str, default: str) -> str:
    return os.environ.get(f"LEDGER_{name}", default)


@dataclass(frozen=True)
class Database:
    host: str = field(default_factory=lambda: _env("DB_HOST", "localhost"))
    port: int = field(default_factory=lambda: int(_env("DB_PORT", "5432")))
    user: str = field(default_factory=lambda: _env("DB_USER", "ledger"))
    password: str = field(default_factory=lambda: _env("DB_PASSWORD", "ledger"))
    name: str = field(default_factory=lambda: _env("DB_NAME", "ledger"))

    @property
    def url(self) -> str:
        return (
            f"postgresql+psycopg://{quote(self.user)}:{quote(self.password)}"
            f"@{self.host}:{self.port}/{self.name}"
        )


@dataclass(frozen=True)
class Settings:
    database: Database = field(default_factory=Database)
    echo: bool = field(default_factory=lambda: _env("ECHO", "0") == "1")


settings = Settings()
