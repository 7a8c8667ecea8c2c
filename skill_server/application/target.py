"""A configured target with its open databases and ledger."""

from collections.abc import Collection
from dataclasses import dataclass

from skill_server import settings as configuration
from skill_server.backends import open_backend
from skill_server.backends.pair import Pair
from skill_server.backup import scratch
from skill_server.ledger.key import read_key
from skill_server.ledger.ledger import Ledger
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import TargetIdentity
from skill_server.settings import Settings, TargetSettings


@dataclass(frozen=True)
class Target:
    """One pair of databases of the project: name, class, both backends, and the ledger inside them.

    Backups are proven and plans rehearsed on the servers of `rehearsal`, which are those of `pair` unless the
    configuration names others.
    """

    name: str
    settings: TargetSettings
    pair: Pair
    rehearsal: Pair
    ledger: Ledger
    names: NameMap

    async def close(self) -> None:
        """Close every connection."""
        await self.pair.close()
        await self.rehearsal.close()

    async def sweep(self, identity: TargetIdentity, *, needed: Collection[str] = ()) -> None:
        """Drop every scratch database of this target that is not `needed`, on all its servers, under its lock."""
        await scratch.sweep(self.pair, identity, needed=needed)
        if self.rehearsal is not self.pair:
            await scratch.sweep(self.rehearsal, identity, needed=needed)


async def open_target(settings: Settings, name: str | None) -> Target:
    """Open a target by its name in the configuration; nothing is connected before the first question.

    Raises:
        Refused: nothing is configured, no such target, or a URL is missing.
    """
    chosen, target = settings.target(name)
    urls = await _urls(settings, target)
    names = settings.project.name_map()
    pair = Pair({kind: open_backend(kind, urls[kind], names) for kind in BackendKind})
    ledger = Ledger({backend.kind: backend.store for backend in pair}, read_key(settings.key_file))
    rehearsal = _rehearsal(target, pair, names)
    return Target(name=chosen, settings=target, pair=pair, rehearsal=rehearsal, ledger=ledger, names=names)


def _rehearsal(target: TargetSettings, pair: Pair, names: NameMap) -> Pair:
    urls = {kind: configuration.rehearsal_url(target, kind) for kind in BackendKind}
    if not any(urls.values()):
        return pair
    return Pair({kind: open_backend(kind, url, names) if url else pair[kind] for kind, url in urls.items()})


async def _urls(settings: Settings, target: TargetSettings) -> dict[BackendKind, str]:
    if not target.embedded:
        return {kind: configuration.url(target, kind) for kind in BackendKind}
    # Only an explicitly embedded target may start servers, so that a missing variable never means an empty database.
    from skill_server.embedded import start_pair

    pair = await start_pair(settings.state / "embedded")
    return {BackendKind.POSTGRES: pair.postgres_url, BackendKind.MONGODB: pair.mongodb_url}
