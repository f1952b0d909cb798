"""``python -m zero_downtime.postgres COMMAND …``: run a command beside a throwaway PostgreSQL.

The command finds the database in DATABASE_URL; the server ends with it.
"""

from __future__ import annotations

import os
import subprocess
import sys

from zero_downtime.postgres.server import EmbeddedServer


def main(command: list[str]) -> int:
    """Run the command; returns its exit code."""
    if not command:
        sys.stderr.write("usage: python -m zero_downtime.postgres COMMAND …\n")
        return 2
    server = EmbeddedServer()
    try:
        url = server.url(server.create_database())
        environment = {**os.environ, "DATABASE_URL": url}
        return subprocess.run(command, env=environment, check=False).returncode
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
