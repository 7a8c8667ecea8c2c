"""The composition root of everything but the protocol: settings, targets and operations."""

from pathlib import Path

from skill_server.application.operations import Operations
from skill_server.application.session import Session, open_session
from skill_server.application.target import Target, open_target
from skill_server.settings import Settings, load


class Application:
    """One server or one command: it opens targets on first use and closes them at the end."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._targets: dict[str, Target] = {}
        self.operations = Operations()

    @property
    def settings(self) -> Settings:
        """The configuration as it is on disk now, so that `init` takes effect without a restart."""
        return load(self._root)

    async def target(self, name: str | None) -> Target:
        """Return a target of the configuration, opened once.

        Raises:
            Refused: nothing is configured, no such target, or a URL is missing.
        """
        settings = self.settings
        chosen, wanted = settings.target(name)
        known = self._targets.get(chosen)
        if known is not None and known.settings == wanted and known.names == settings.project.name_map():
            return known
        if known is not None:
            await known.close()
        self._targets[chosen] = await open_target(settings, chosen)
        return self._targets[chosen]

    async def session(self, name: str | None, *, inspected: bool = True) -> Session:
        """Return what is true of a target now, with its schemas if they are wanted `inspected`."""
        return await open_session(self.settings, await self.target(name), inspected=inspected)

    async def close(self) -> None:
        """Close every connection."""
        for target in self._targets.values():
            await target.close()
        self._targets.clear()
