"""Renaming a field: the column keeps its place, values, indexes and constraints."""

from skill_server.backends.postgres.render.scene import Scene, refuse_dependents
from skill_server.model.action import RenameField
from skill_server.model.hazard import Hazard
from skill_server.model.plan import Phase, Piece, Way


def rename_field(action: RenameField, place: Scene) -> tuple[Piece, ...]:
    """Rename the column; what PostgreSQL ties to its number follows, and what names it as text is refused."""
    place.require(action.field)
    place.require_free(action.to)
    stuck = [item for item in place.dependents(action.field) if not item.follows_rename]
    refuse_dependents(place, action.field, "renaming", stuck)
    old, new = place.column(action.field), place.column(action.to)
    return (
        Piece(
            phase=Phase.EXPAND,
            up=Way(
                summary=f"rename the column {place.table}.{old} to {new}",
                statements=(place.altered(f"RENAME COLUMN {old} TO {new}"),),
                hazards=(Hazard.BREAKS_OLD_CODE,),
            ),
            down=Way(
                summary=f"rename the column {place.table}.{new} back to {old}",
                statements=(place.altered(f"RENAME COLUMN {new} TO {old}"),),
                hazards=(Hazard.BREAKS_OLD_CODE,),
            ),
        ),
    )
