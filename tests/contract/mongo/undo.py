"""Runs actions up and down on a real MongoDB and compares what is there byte by byte."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.database import AsyncDatabase

from skill_server.backends.base import RunPolicy
from skill_server.backends.mongo import MongoBackend
from skill_server.model.action import Action
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece, Step
from tests.support.servers import mongodb_client

REVISION = "20260101_change"
POLICY = RunPolicy(batch_records=3)
PLAN_UP, PLAN_DOWN = "a" * 32, "b" * 32


@dataclass(frozen=True)
class Content:
    """What must come back: the raw bytes of every document, and the schema's fingerprint."""

    documents: dict[str, list[bytes]]
    fingerprint: str


@dataclass
class Place:
    """A database of a test, with the backend under test and a client of its own."""

    backend: MongoBackend
    database: AsyncDatabase[dict[str, Any]]

    async def content(self) -> Content:
        """Read everything but the product's own collections."""
        documents: dict[str, list[bytes]] = {}
        options: Any = CodecOptions(document_class=RawBSONDocument)
        for name in sorted(await self.database.list_collection_names()):
            if not name.startswith("database_migration"):
                found: Any = self.database.get_collection(name, codec_options=options).find()
                documents[name] = sorted([document.raw async for document in found])
        return Content(documents, (await self.backend.inspect()).fingerprint)

    async def pieces(self, action: Action) -> tuple[Piece, ...]:
        """Render an action on the schema as it is."""
        return self.backend.render(action, await self.backend.inspect(), migration=REVISION)

    async def up(self, action: Action, pieces: tuple[Piece, ...], *, plan: str = PLAN_UP) -> None:
        """Run the pieces forward, each followed by its probes."""
        await self._run(plan, steps(action, pieces))

    async def down(self, action: Action, pieces: tuple[Piece, ...], *, plan: str = PLAN_DOWN) -> None:
        """Run the pieces backward, each preceded and followed by its probes."""
        await self._run(plan, [step.reversed() for step in reversed(steps(action, pieces))])

    async def _run(self, plan: str, ordered: list[Step]) -> None:
        for step in ordered:
            for probe in step.forward.before:
                found = await self.backend.probe(probe)
                assert found.count == 0, (probe.message, found)
            await self.backend.run(plan, [step], POLICY)
            for probe in step.forward.after:
                found = await self.backend.probe(probe)
                assert found.count == 0, (probe.message, found)


def steps(action: Action, pieces: tuple[Piece, ...]) -> list[Step]:
    """Return the pieces as steps of a plan."""
    return [
        Step(
            id=f"{number}-{piece.phase}",
            backend=BackendKind.MONGODB,
            entity=action.entity,
            action=action,
            phase=piece.phase,
            forward=piece.up,
            back=piece.down,
        )
        for number, piece in enumerate(pieces)
    ]


@asynccontextmanager
async def place(url: str) -> AsyncGenerator[Place]:
    """Give a place on the database of a URL."""
    backend = MongoBackend(url, NameMap())
    async with mongodb_client(url) as client:
        try:
            yield Place(backend, client.get_default_database())
        finally:
            await backend.close()
