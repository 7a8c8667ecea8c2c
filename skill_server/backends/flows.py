"""How both databases state moves of values: the same flow, told in the words of each."""

from collections.abc import Sequence

from skill_server.model import flow_text
from skill_server.model.action import CopyRecords, UpdateValues
from skill_server.model.base import digest
from skill_server.model.flow import Flow
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Phase, Piece, Statement, Way


def store(migration: str, entity: str, fields: Sequence[str]) -> str:
    """Return the name of the store that an update of these fields, or (without fields) a copy, keeps."""
    return f"values_{digest([migration, entity, *fields], length=16)}"


def update(action: UpdateValues, migration: str, native: str, *, here: BackendKind) -> tuple[Piece, ...]:
    """Return the piece of an update; `native` is what the database calls the entity."""
    kept = store(migration, action.entity, action.writes())
    forward = Flow(operation="update", entity=action.entity, kept=kept, forward=action.forward)
    back = Flow(
        operation="revert",
        entity=action.entity,
        kept=kept,
        forward=action.forward,
        backward=action.backward,
    )
    written = ", ".join(action.writes())
    carried = ", ".join(action.backward.writes) if action.backward else ""
    up = (
        f"compute {written} of every record of {native}, keeping the old values"
        if action.forward
        else (f"nothing now: on the way back, {carried} of {native} gets what was written meanwhile")
    )
    down = [f"give {written} of {native} its old values where nobody wrote since"] if action.forward else []
    down += [f"carry what was written since over to {carried} of {native}"] if carried else []
    piece = _piece(up, forward, "; ".join(down), back, here, (Hazard.RETIRES_DATA, Hazard.NOT_ATOMIC))
    if action.forward is None:
        piece = piece.model_copy(update={"up": Way(summary=up, statements=())})
    return (piece,)


def copy(action: CopyRecords, migration: str, native: str, *, here: BackendKind) -> tuple[Piece, ...]:
    """Return the piece of a copy; the database that the records come from has nothing to do but to be read."""
    source = action.copy_of
    if source.database is here:
        summary = f"nothing: the records of {source.entity} are only read here, and stay"
        idle = Way(summary=summary, statements=())
        return (Piece(phase=Phase.BACKFILL, up=idle, down=idle),)
    kept = store(migration, action.entity, ())
    come = f" of {source.database}" if source.database else ""
    return (
        _piece(
            f"make a record of {native} for every one of {source.entity}{come} that has none yet",
            Flow(operation="copy", entity=action.entity, kept=kept, copy_of=source),
            f"delete the records of {native} that were made and nobody wrote to since",
            Flow(operation="withdraw", entity=action.entity, kept=kept, copy_of=source),
            here,
            (Hazard.NOT_ATOMIC,),
        ),
    )


def _piece(
    up: str, forward: Flow, down: str, back: Flow, here: BackendKind, hazards: tuple[Hazard, ...]
) -> Piece:
    return Piece(
        phase=Phase.BACKFILL,
        up=_way(up, forward, here, hazards),
        down=_way(down, back, here, (Hazard.NOT_ATOMIC,)),
    )


def _way(summary: str, flow: Flow, here: BackendKind, hazards: tuple[Hazard, ...]) -> Way:
    computed = "\n".join(flow_text.lines(flow, here, whole=False))
    # Every line is a comment, whatever an author wrote: the flow is carried out, this text never.
    text = "\n--   ".join([f"-- in batches: {summary}", *computed.splitlines()])
    return Way(
        summary=summary,
        statements=(Statement(text=text, flow=flow, lock=Lock.ROW_EXCLUSIVE),),
        hazards=hazards,
    )
