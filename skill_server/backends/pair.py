"""The two databases of a target, taken together."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from skill_server.backends.base import Backend
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Checksums, ServerIdentity
from skill_server.model.snapshot import Snapshot


class Pair:
    """Both backends of one target, or of one pair of scratch copies."""

    def __init__(self, backends: Mapping[BackendKind, Backend]) -> None:
        self.backends = dict(backends)

    def __getitem__(self, kind: BackendKind) -> Backend:
        return self.backends[kind]

    def __iter__(self) -> Iterator[Backend]:
        return iter(self.backends[kind] for kind in BackendKind)

    def at(self, names: Mapping[BackendKind, str]) -> Self:
        """Return the pair of other databases on the same servers."""
        return type(self)({kind: backend.at(names[kind]) for kind, backend in self.backends.items()})

    async def identities(self) -> dict[BackendKind, ServerIdentity]:
        """Ask both servers who they are."""
        return {backend.kind: await backend.identity() for backend in self}

    async def inspect(self) -> dict[BackendKind, Snapshot]:
        """Read both schemas."""
        return {backend.kind: await backend.inspect() for backend in self}

    async def fingerprints(self) -> dict[BackendKind, str]:
        """Return both schema fingerprints."""
        return {backend.kind: await backend.fingerprint() for backend in self}

    async def checksums(self) -> dict[BackendKind, Checksums]:
        """Read the content of both databases and return its checksums."""
        return {backend.kind: await backend.checksums() for backend in self}

    async def writers(self) -> tuple[str, ...]:
        """Name the other clients of both databases."""
        return tuple([f"{backend.kind}: {name}" for backend in self for name in await backend.writers()])

    @asynccontextmanager
    async def locked(self, owner: Mapping[str, str]) -> AsyncGenerator[None]:
        """Hold the migration lock of both databases."""
        async with AsyncExitStack() as stack:
            for backend in self:
                await stack.enter_async_context(backend.lock(owner))
            yield

    async def close(self) -> None:
        """Close every connection."""
        for backend in self:
            await backend.close()
