"""The command ``zd``."""

from zero_downtime_cli.main import main

__all__ = ["main"]
