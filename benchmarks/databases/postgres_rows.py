"""The rows of a backup of PostgreSQL alone: the part of a dump that reads, packs, hashes and stores.

No user can ask for it without the checksums, so it is called below the product's own entrance.
"""

from __future__ import annotations

from pathlib import Path

from skill_server.backends.base import no_progress
from skill_server.backends.postgres.backup import archive, client_tools, copying, source, splitting
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.verify import checksum


async def dump_rows(url: str, directory: Path) -> int:
    """Write the files of a backup but its note, and return their bytes."""
    connections = Connections(url)
    with archive.private_directory(directory) as place:
        async with connections.session(purpose="benchmark") as exporter:
            tools = await client_tools.find(exporter.get_server_version().major)
            async with checksum.reading(exporter):
                moment = await source.moment(exporter, None)
                described = await source.describe(exporter)
                ranges = await splitting.ranges(
                    exporter, described.encoding, splitting.LARGE_BYTES, copying.copiers()
                )
                meter = copying.Meter(no_progress, 0, "")
                copied = await copying.copy(
                    copying.Copying(
                        connections, tools, moment.snapshot, described.encoding, place, None, meter
                    ),
                    ranges,
                )
    return copied.whole.size_bytes + sum(part.size_bytes for part in copied.parts)
