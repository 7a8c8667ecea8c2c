"""Progress of a run as one rising number, whatever its parts count."""

from skill_server.backends.base import Progress


def stage(report: Progress, *, begin: float, end: float) -> Progress:
    """Return a progress that maps its own 0..total onto `begin`..`end` of `report`'s 100."""

    async def mapped(done: float, total: float | None, message: str) -> None:
        share = min(done / total, 1.0) if total else 0.0
        await report(begin + (end - begin) * share, 100, message)

    return mapped
