"""Backs up the database of `DATABASE_URL` into the folder given, and prints the most memory that this process had."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from skill_server.backends import open_backend
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap


async def _dump(url: str, directory: Path) -> None:
    backend = open_backend(BackendKind.POSTGRES, url, NameMap())
    try:
        await backend.dump(directory)
    finally:
        await backend.close()


def _peak_bytes() -> int:
    # getrusage would show what the starting process had when it forked: that high mark survives exec (proc(5), VmHWM
    # does not).
    found = re.search(
        r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE
    )
    if found is None:
        raise RuntimeError("this system does not say how much memory a process had")
    return int(found[1]) * 1024


if __name__ == "__main__":
    asyncio.run(_dump(os.environ["DATABASE_URL"], Path(sys.argv[1])))
    print(_peak_bytes())
