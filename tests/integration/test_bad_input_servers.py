"""Servers that are down, strange, or not for us: every tool says which one and what to check, and touches nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.application.application import Application
from skill_server.errors import MigrationError
from skill_server.model.receipt import EventKind
from tests.support import logins
from tests.support.project import Project, a_project
from tests.support.refusals import call, refusal, require_readable
from tests.support.servers import Servers, with_database

Place = tuple[Project, Application]


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project that nobody has detected yet; its own application is open before a test changes the environment."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as found:
        await found[1].target(None)
        yield found


@asynccontextmanager
async def another(monkeypatch: pytest.MonkeyPatch, **environment: str) -> AsyncGenerator[Application]:
    """Give a server of the same project whose environment differs."""
    with monkeypatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        app = Application()
        try:
            yield app
        finally:
            await app.close()


BROKEN = {
    "postgres down": ("DATABASE_URL", "server-unreachable", "the PostgreSQL server", "Check that the server runs"),
    "mongodb down": ("MONGO_URI", "server-unreachable", "no MongoDB server", "Start the server"),
    "postgres password": ("DATABASE_URL", "login-refused", "PostgreSQL refused the login", "Check the user"),
    "mongodb password": ("MONGO_URI", "login-refused", "MongoDB server refused the user", "Correct the user"),
    "postgres database": ("DATABASE_URL", "database-missing", "has no database 'nowhere'", "Check the database name"),
    "mongodb database": ("MONGO_URI", "database-missing", "'nowhere'", "Check the database name"),
    "postgres not a URL": ("DATABASE_URL", "url-not-understood", "PostgreSQL", "postgresql://"),
    "mongodb not a URL": ("MONGO_URI", "url-not-valid", "does not begin with mongodb://", "Write it as"),
}  # fmt: skip


def broken_url(case: str, project: Project) -> str:
    """Return the URL of a case."""
    kind, what = case.split(" ", 1)
    url = project.postgres_url if kind == "postgres" else project.mongodb_url
    match what:
        case "down":
            return logins.nobody_listens("postgresql" if kind == "postgres" else "mongodb", "app")
        case "password":
            return logins.with_login(url)
        case "database":
            return with_database(url, "nowhere")
        case _:
            return f"mysql://someone:{logins.PASSWORD}@host/app"


@pytest.mark.parametrize("case", BROKEN)
async def test_a_server_that_cannot_be_used_is_named_with_what_to_check(
    place: Place, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """The way in is wrong before and after the target is known; no message repeats the URL or its password."""
    project, app = place
    variable, code, *phrases = BROKEN[case]
    async with another(monkeypatch, **{variable: broken_url(case, project)}) as broken:
        async with refusal(project, app, code, *phrases):
            await call(broken, "detect_db_type")
        if case.endswith("down"):
            return
        await call(app, "detect_db_type")
        if case == "mongodb database":
            # A database that does not exist is an empty one, so it is its missing ledger that tells it apart.
            code, phrases = "ledger-disagrees", ["Check that both URLs lead to the databases of this target"]
        async with refusal(project, app, code, *phrases):
            await call(broken, "migration_status")


@pytest.mark.parametrize("kind", ["postgres", "mongodb"])
async def test_a_login_that_may_only_read_is_refused(
    place: Place, servers: Servers, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A role without rights fails at detection, before anything was tried, and later calls write nothing either."""
    project, app = place
    async with AsyncExitStack() as stack:
        if kind == "postgres":
            url = await stack.enter_async_context(
                logins.postgres_reader(servers.postgres_url, project.postgres_url)
            )
            reader = await stack.enter_async_context(another(monkeypatch, DATABASE_URL=url))
        else:
            url = await stack.enter_async_context(
                logins.mongodb_reader(servers.mongodb_url, project.mongodb_url)
            )
            reader = await stack.enter_async_context(another(monkeypatch, MONGO_URI=url))
        read_only = ("database-read-only", f"the {kind} database cannot be written", "role that may migrate")
        async with refusal(project, app, *read_only):
            await call(reader, "detect_db_type")
        async with refusal(project, app, "target-not-adopted"):
            await call(app, "migration_status")

        await call(app, "detect_db_type")
        await call(app, "generate_migration", summary="Add colour", reason="Asked for.", changes=[
            {"kind": "add_field", "entity": "items", "field": "colour", "type": "Text"}])  # fmt: skip
        async with refusal(project, app, "permission-denied", "Grant the"):
            await call(reader, "review_migration")
        kinds = [event.kind for event in await (await app.target(None)).ledger.events()]
        # The plan may be stored on the side that could be written: showing one proves nothing and opens no gate.
        assert kinds in ([EventKind.ADOPTED, EventKind.DETECTION, *more] for more in ([], [EventKind.PLAN]))


async def test_a_target_whose_variable_is_missing_never_means_an_empty_database(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forgotten variable names itself."""
    project, app = place
    await call(app, "detect_db_type")
    async with (
        another(monkeypatch, MONGO_URI="") as forgetful,
        refusal(project, app, "url-missing", "MONGO_URI is not set", "Start the server with MONGO_URI"),
    ):
        await call(forgetful, "detect_db_type")


async def test_a_class_or_word_that_does_not_fit_the_configuration_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A weaker class would weaken every gate, so the ledger holds the class; unknown words are never ignored."""
    project, app = place
    await call(app, "detect_db_type")
    configuration = project.root / "database-migration.toml"
    whole = configuration.read_text()
    cases = (
        ('"development"\n', '"staging"\n', "target-mismatch", "'development' (development)"),
        ("environment", "environmint", "configuration-invalid", "environmint"),
        ("[targets", "[[targets", "configuration-invalid", "not readable TOML"),
    )
    for old, new, code, phrase in cases:
        configuration.write_text(whole[:20] + whole[20:].replace(old, new))
        async with another(monkeypatch) as strange:
            with pytest.raises(MigrationError) as caught:
                await call(strange, "detect_db_type")
        require_readable(
            caught.value.code, caught.value.message, caught.value.help, code=code, phrases=(phrase,)
        )


async def test_nothing_configured_names_the_command_that_mends_it(tmp_path: Path) -> None:
    """An assistant in an unconfigured project is sent to a person."""
    app = Application(tmp_path)
    for tool in ("detect_db_type", "inspect_schema", "migration_status", "backup", "run_upgrade"):
        with pytest.raises(MigrationError, match=r"not-configured: .*database-migration init"):
            await call(app, tool)
