"""How far long work has come, told to whoever asked to know."""

from collections.abc import Awaitable, Callable

# (done, total or None, message): called at safe borders of long work.
Progress = Callable[[float, float | None, str], Awaitable[None]]


async def no_progress(_done: float, _total: float | None, _message: str) -> None:
    """Report to nobody."""
