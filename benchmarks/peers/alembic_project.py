"""A project of Alembic's own making, up to date on a database of its own.

Its template for asynchronous engines, because that reaches PostgreSQL through asyncpg as the product does: what is
compared are two tools and not two drivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks.harness.processes import PYTHON, bare_environment, output

DATABASE = "alembic_peer"


@dataclass(frozen=True)
class AlembicProject:
    """The folder of the project."""

    folder: Path

    async def run(self, *arguments: str) -> str:
        """Run one of Alembic's commands and return what it printed."""
        command = (PYTHON, "-m", "alembic", *arguments)
        return await output(command, environment=bare_environment(self.folder), folder=self.folder)


async def up_to_date_project(folder: Path, postgres_url: str) -> AlembicProject:
    """Create the project and its database on that server, with one revision that is applied."""
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    folder.mkdir()
    project = AlembicProject(folder)
    await project.run("init", "--template", "async", "migrations")
    _point_to(folder / "alembic.ini", postgres_url)
    await project.run("revision", "--message", "nothing yet")
    await project.run("upgrade", "head")
    if "(head)" not in await project.run("current"):
        raise RuntimeError("alembic did not apply its revision")
    return project


def _point_to(ini: Path, postgres_url: str) -> None:
    server = postgres_url.removeprefix("postgresql://").rpartition("/")[0]
    # The file's format takes a single percent sign as the beginning of a reference.
    url = f"postgresql+asyncpg://{server}/{DATABASE}".replace("%", "%%")
    lines = ini.read_text(encoding="utf-8").splitlines()
    pointed = [f"sqlalchemy.url = {url}" if line.startswith("sqlalchemy.url") else line for line in lines]
    if pointed == lines:
        raise RuntimeError("alembic's template has no line for the URL")
    ini.write_text("\n".join(pointed) + "\n", encoding="utf-8")
