"""What one migration must not ask for: the same thing touched twice, or a rename told as a drop and an addition."""

from collections.abc import Collection, Iterator

from skill_server.errors import Invalid
from skill_server.generate.migration import Migration
from skill_server.model import action
from skill_server.model.change import Change
from skill_server.model.finding import FORECAST_RULES
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.snapshot import Snapshot
from skill_server.plan import order

_CARRYING = action.UpdateValues | action.CopyRecords
_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})


def require_consistent(migration: Migration, snapshots: Collection[Snapshot] = ()) -> None:
    """Check that the changes of a migration do not contradict each other; `snapshots` tell the types of what goes.

    Raises:
        Invalid: the changes contradict each other as `order.ordered` says, a drop and an addition look like a rename
            and are not acknowledged to be none (`looks-like-a-rename`), or a name is acknowledged that stays
            and is no finding of a forecast either (`acknowledged-name-stays`).
    """
    order.ordered(migration.changes)
    _require_no_hidden_rename(migration, snapshots)
    stray = sorted(set(migration.acknowledged) - set(migration.retired_names()) - FORECAST_RULES)
    if stray:
        raise Invalid(
            "acknowledged-name-stays",
            f"{stray[0]} is acknowledged, but no change of the migration takes that name away",
            help="Remove the op.acknowledge line, or correct the name.",
        )


def _require_no_hidden_rename(migration: Migration, snapshots: Collection[Snapshot]) -> None:
    # What a change carries over itself does not stay behind.
    asked = [
        each
        for each in map(_actions, migration.changes)
        if not any(isinstance(one, _CARRYING) for one in each)
    ]
    plain = [each for expanded in asked for each in expanded]
    for gone in plain:
        if isinstance(gone, action.RetireField) and gone.field not in migration.acknowledged:
            _require_other_field(gone, plain, snapshots)
        elif isinstance(gone, action.RetireEntity) and gone.entity not in migration.acknowledged:
            _require_other_entity(gone, plain, snapshots)


def _require_other_field(
    gone: action.RetireField, asked: Collection[action.Action], snapshots: Collection[Snapshot]
) -> None:
    types = list(_types(gone, snapshots))
    for new in asked:
        if not isinstance(new, action.AddField) or new.entity != gone.entity:
            continue
        if any(_same_family(new.type, known) for known in types):
            raise _looks_like_a_rename(
                f"{gone.field} goes and {new.field} of the same type comes in {gone.entity}",
                f'rename_field("{gone.entity}", "{gone.field}", to="{new.field}")',
                gone.field,
            )


def _require_other_entity(
    gone: action.RetireEntity, asked: Collection[action.Action], snapshots: Collection[Snapshot]
) -> None:
    for new in asked:
        if isinstance(new, action.AddEntity) and _mostly_alike(gone, new, snapshots):
            raise _looks_like_a_rename(
                f"{gone.entity} goes and {new.entity} with mostly the same fields comes",
                f'rename_entity("{gone.entity}", to="{new.entity}")',
                gone.entity,
            )


def _looks_like_a_rename(told: str, rename: str, name: str) -> Invalid:
    return Invalid(
        "looks-like-a-rename",
        f"{told}; told like this, the values would not move over",
        help=f"If it is a rename, write {rename} instead of the two. If it is none, say so: acknowledge {name} with "
        f'the reason, in the file as op.acknowledge("{name}", "not a rename: ...").',
    )


def _actions(change: Change) -> tuple[action.Action, ...]:
    return tuple(change.expand())


def _mostly_alike(gone: action.RetireEntity, new: action.AddEntity, snapshots: Collection[Snapshot]) -> bool:
    fresh = {field.name for field in new.fields}
    for snapshot in snapshots:
        entity = snapshot.entity(gone.entity)
        old = {field.name for field in entity.fields} if entity else set[str]()
        if 2 * len(old & fresh) > max(len(old), len(fresh)):
            return True
    return False


def _types(gone: action.RetireField, snapshots: Collection[Snapshot]) -> Iterator[LogicalType]:
    for snapshot in snapshots:
        entity = snapshot.entity(gone.entity)
        field = entity.field(gone.field) if entity else None
        if field is not None and field.type is not None:
            yield field.type


def _same_family(one: LogicalType, other: LogicalType) -> bool:
    return one.kind is other.kind or {one.kind, other.kind} <= _TEXTUAL
