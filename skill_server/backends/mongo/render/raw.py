"""Commands that an author wrote, both ways."""

from __future__ import annotations

import json
from collections.abc import Sequence

from skill_server.backends.mongo.operations.operations import RunCommand
from skill_server.backends.mongo.render import raw_commands
from skill_server.backends.mongo.render.rendering import piece, way
from skill_server.backends.mongo.render.wording import statement
from skill_server.errors import Invalid
from skill_server.model.action import RunRaw
from skill_server.model.base import JsonObject
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Way


def run_raw(action: RunRaw, names: NameMap) -> tuple[Piece, ...]:
    """Run the commands of each direction, in the order in which they are written.

    Raises:
        Invalid: a command is not of the few that may be run, or is for an entity that the change does not name.
    """
    named = {action.entity, *action.entities}
    for command in (*action.mongodb, *action.undo_mongodb):
        _, collection = raw_commands.read(command)
        entity = names.logical_entity(collection, BackendKind.MONGODB)
        if entity not in named:
            raise Invalid(
                "raw-entity-not-named",
                f"a raw MongoDB command changes {entity}, which the change does not name",
                help=f"Add {entity} to the entities of the change.",
            )
    return (piece(Phase.CONTRACT, _way(action.mongodb), _way(action.undo_mongodb)),)


def _way(commands: Sequence[JsonObject]) -> Way:
    if not commands:
        return way("nothing: no command was written for MongoDB in this direction")
    kinds = ", ".join(dict.fromkeys(f"{next(iter(each))} {next(iter(each.values()))}" for each in commands))
    hazards = (Hazard.NOT_ATOMIC,)
    if any(raw_commands.deletes(command) for command in commands):
        hazards = (Hazard.NOT_ATOMIC, Hazard.DELETES_DATA)
    return way(
        f"run what the author wrote: {kinds}",
        *(
            statement(RunCommand(command_json=json.dumps(command, ensure_ascii=False)))
            for command in commands
        ),
        hazards=hazards,
    )
