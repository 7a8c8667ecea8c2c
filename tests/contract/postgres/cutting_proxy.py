"""A way to the server that breaks at the worst moment: when a COMMIT passes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from skill_server.backends.postgres.connection import Connections


@asynccontextmanager
async def cutting_at_commit(url: str, *, delivered: bool) -> AsyncGenerator[str]:
    """Give a URL whose sessions end at the first COMMIT, before or after the server has got and answered it."""
    there = Connections(url).environment()
    cut = asyncio.Event()

    async def serve(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        if there["PGHOST"].startswith("/"):
            server, to_server = await asyncio.open_unix_connection(
                f"{there['PGHOST']}/.s.PGSQL.{there['PGPORT']}"
            )
        else:
            server, to_server = await asyncio.open_connection(there["PGHOST"], int(there["PGPORT"]))
        back = asyncio.create_task(_copy(server, to_client))
        try:
            while piece := await client.read(65536):
                if b"COMMIT;" in piece and not cut.is_set():
                    cut.set()
                    back.cancel()
                    if delivered:
                        to_server.write(piece)
                        await asyncio.wait_for(server.read(65536), 10)
                    return
                to_server.write(piece)
                await to_server.drain()
        except ConnectionError:
            return
        finally:
            back.cancel()
            to_client.close()
            to_server.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    query = {name: value for name, value in parse_qsl(parts.query) if name not in {"host", "port"}}
    # Encrypted words cannot be read on the way.
    query["sslmode"] = "disable"
    try:
        yield urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}", query=urlencode(query)))
    finally:
        listening.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()
