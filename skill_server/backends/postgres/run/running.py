"""Running steps: a transactional phase in one transaction with its marks, a concurrent step journalled around."""

from collections.abc import Sequence
from itertools import groupby

from skill_server.backends.base import Progress, RunPolicy
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.run import concurrent, journal, transaction
from skill_server.model.plan import TRANSACTIONAL_PHASES, Phase, Step


async def run(
    connections: Connections, plan_id: str, steps: Sequence[Step], policy: RunPolicy, progress: Progress
) -> None:
    """Run steps forward in order, skipping those whose mark says done; see `backends.base.Backend.run`."""
    async with connections.session(purpose="preparing the journal") as connection:
        await journal.prepare(connection)
        marks = await journal.read(connection, plan_id)
    left = [step for step in steps if step.id not in marks or marks[step.id].state != journal.DONE]
    done = len(steps) - len(left)
    for phase, group in groupby(left, key=lambda step: step.phase):
        together = list(group)
        parts = [together] if phase in TRANSACTIONAL_PHASES else [[step] for step in together]
        for part in parts:
            if phase is Phase.CONCURRENT:
                await concurrent.run(connections, plan_id, part[0], policy)
            else:
                await transaction.run(connections, plan_id, part, policy)
            # Reported after the commit, because a slow reader must not make locks last longer.
            done += len(part)
            await progress(done, len(steps), part[-1].forward.summary)
