"""Several tasks as one: the first error ends the others and is raised as itself."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import cast


async def together(tasks: Iterable[Coroutine[object, object, None]]) -> None:
    """Run them all and wait until none of them runs any more.

    Raises:
        BaseException: the first error of any, after the others were cancelled and have ended.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
    except BaseExceptionGroup as failures:
        first = _first(failures)
        raise first from first.__cause__


def _first(error: BaseException) -> BaseException:
    if isinstance(error, BaseExceptionGroup):
        return _first(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return error
