"""What every refusal owes its reader: a code, a fact, an order, no secret, and databases and files as they were."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from skill_server.application import arguments
from skill_server.application.application import Application
from skill_server.errors import MigrationError
from skill_server.tools import Result
from tests.support.project import Project, content

PASSWORD = "s3cret-pass-phrase"


async def call(app: Application, tool: str, **given: Any) -> Any:
    """Call a tool as the protocol and the command line do: arguments are JSON, read strictly."""
    function = getattr(import_module(f"skill_server.tools.{tool}"), tool)
    found: Result = await function(app, **arguments.checked(function, given))
    return found


@asynccontextmanager
async def refusal(
    project: Project, app: Application, code: str, *phrases: str, reachable: bool = True
) -> AsyncGenerator[None]:
    """Expect the block to be refused with a code and phrases, leaving files and databases as they were.

    With `reachable=False` the databases of `app` cannot be asked, so that the caller compares them by other means.
    """
    files, before = _files(project.root), await content(app) if reachable else None
    with pytest.raises(MigrationError) as caught:
        yield
    error = caught.value
    require_readable(error.code, error.message, error.help, code=code, phrases=phrases)
    assert error.state == "untouched"
    told = f"{error} {json.dumps([error.detail, error.next_args], default=str)}"
    require_no_secret(project, told)
    assert _files(project.root) == files
    assert (await content(app) if reachable else None) == before


def require_readable(found: str, message: str, help: str, *, code: str, phrases: Iterable[str] = ()) -> None:
    """Check the code, and that message and help hold the phrases and are a fact and an order."""
    told = f"{message} {help}"
    assert found == code, told
    for phrase in phrases:
        assert phrase in told
    assert message
    # Only a help may show how a URL is written.
    assert "@" not in message
    assert help.endswith((".", ")", "`", '"')), help


def require_no_secret(project: Project, text: str) -> None:
    """Check that text for a reader holds neither a URL of the project nor a password of one."""
    for url in (project.postgres_url, project.mongodb_url):
        assert url not in text
        password = urlsplit(url).password
        assert not password or password not in text
    assert PASSWORD not in text


def _files(root: Path) -> dict[str, bytes]:
    """Return what lies in the project, except the state folder, in which a refused call may leave an empty place."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".database-migration" not in path.parts
    }
