"""What one migration must not ask for: the same thing touched twice, or a rename told as a drop and an addition."""

from collections import Counter
from collections.abc import Collection, Iterator

from skill_server.errors import Invalid
from skill_server.generate.migration import Migration
from skill_server.model import action
from skill_server.model.change import Change
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.snapshot import Snapshot

Claim = tuple[str, str, str]
_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})


def require_consistent(migration: Migration, snapshots: Collection[Snapshot] = ()) -> None:
    """Check that the changes of a migration do not contradict each other; `snapshots` tell the types of what goes.

    Raises:
        Invalid: a field or index is touched twice (`touched-twice`), a drop and an addition of the same type look
            like a rename (`looks-like-a-rename`), or a name is acknowledged that stays (`acknowledged-name-stays`).
    """
    _require_touched_once(migration.changes)
    _require_no_hidden_rename(migration.changes, snapshots)
    stray = sorted(set(migration.acknowledged) - set(migration.retired_names()))
    if stray:
        raise Invalid(
            "acknowledged-name-stays",
            f"{stray[0]} is acknowledged, but no change of the migration takes that name away",
            help="Remove the op.acknowledge line, or correct the name.",
        )


def _require_touched_once(changes: Collection[Change]) -> None:
    # One change may act on a thing in several steps; two changes may not.
    claims = [frozenset[Claim]().union(*(each.claims() for each in change.expand())) for change in changes]
    counts = Counter(claim for claimed in claims for claim in claimed)
    for (kind, entity, name), count in counts.items():
        if count > 1:
            thing = f"the {kind} {name} of {entity}" if name else f"{kind} {entity}"
            raise Invalid(
                "touched-twice",
                f"{thing} is touched {count} times in one migration",
                help="Split the changes into migrations that run one after the other.",
            )


def _require_no_hidden_rename(changes: Collection[Change], snapshots: Collection[Snapshot]) -> None:
    asked = [each for change in changes for each in change.expand()]
    added = [each for each in asked if isinstance(each, action.AddField)]
    for gone in (each for each in asked if isinstance(each, action.RetireField)):
        types = list(_types(gone, snapshots))
        for new in added:
            if new.entity == gone.entity and any(_same_family(new.type, known) for known in types):
                raise Invalid(
                    "looks-like-a-rename",
                    f"{gone.field} goes and {new.field} of the same type comes in {gone.entity}; told like this, the "
                    "values would not move over",
                    help=f'Write op.rename_field("{gone.entity}", "{gone.field}", to="{new.field}") if it is a rename; '
                    "if not, split the two changes into two migrations.",
                )


def _types(gone: action.RetireField, snapshots: Collection[Snapshot]) -> Iterator[LogicalType]:
    for snapshot in snapshots:
        entity = snapshot.entity(gone.entity)
        field = entity.field(gone.field) if entity else None
        if field is not None and field.type is not None:
            yield field.type


def _same_family(one: LogicalType, other: LogicalType) -> bool:
    return one.kind is other.kind or {one.kind, other.kind} <= _TEXTUAL
