"""Giving a key another type, together with its sequence and every column that points to it.

The columns keep their place, so whatever PostgreSQL ties to their numbers (identity, owned sequence, privileges,
comments, plain indexes, replica identity) stays; the old values move aside. All of it is one transaction.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.render import rebuild
from skill_server.backends.postgres.render.key_column import WHOLE, KeyColumn
from skill_server.backends.postgres.render.key_family import family
from skill_server.backends.postgres.render.parts import index_name
from skill_server.backends.postgres.render.scene import Scene, probe
from skill_server.backends.postgres.schema import definitions, types
from skill_server.errors import Refused
from skill_server.model.action import RetypeField
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.plan import Phase, Piece, Probe, Statement, Way
from skill_server.model.references import references
from skill_server.model.snapshot import Constraint, Dependent, Index, Snapshot

_RULES = frozenset({"check", "foreign_key"})


def is_key(place: Scene, field: str) -> bool:
    """Say whether a field carries what only this way of retyping keeps: a key, references, or a sequence."""
    found = place.require(field)
    tied = any(item.kind == "foreign_key" and field in item.fields for item in place.entity.constraints)
    pointed_to = tied or place.dependents(field, kinds=("foreign_key",))
    counted = found.identity or (not found.generated and "nextval(" in (found.default or ""))
    return field in place.entity.key or bool(pointed_to) or counted


def followed(action: RetypeField, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...] | None:
    """Return a piece that does nothing, where a key has taken this field along already; else None."""
    field = place.require(action.field)
    parents = [
        f"{item.parent_entity}.{item.parent_field}"
        for item in references(snapshot)
        if (item.entity.name, item.field.name) == (action.entity, action.field)
    ]
    if field.type != action.to or not parents:
        return None
    said = f"{action.entity}.{action.field} has followed {', '.join(parents)} to {action.to}"
    back = f"{action.entity}.{action.field} goes back to {action.was} with {', '.join(parents)}"
    return (
        Piece(phase=Phase.EXPAND, up=Way(summary=said, statements=()), down=Way(summary=back, statements=())),
    )


def retype_key(action: RetypeField, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Convert the key and all columns that point to it, keeping their old values beside them.

    Raises:
        Refused: one of them has something that cannot be carried along; the message names it.
    """
    columns = family(action, place, snapshot)
    parts = _parts(columns)
    said = ", ".join(f"{item.place.table}.{item.column}" for item in columns)
    blocking = (Hazard.BLOCKS_READS, Hazard.SCANS, Hazard.REWRITES)
    return (
        Piece(
            phase=Phase.EXPAND,
            up=Way(
                summary=f"convert the key {said} from {action.was} to {action.to}, keeping the old values beside it",
                statements=tuple(_up(columns, parts)),
                before=tuple(_before(columns)),
                hazards=(*blocking, Hazard.RETIRES_DATA, Hazard.BREAKS_OLD_CODE),
            ),
            down=Way(
                summary=f"bring the key {said} back as {action.was} with its old values",
                statements=tuple(_down(columns, parts)),
                before=tuple(item for column in columns for item in column.unfit_back()),
                hazards=(*blocking, Hazard.BREAKS_OLD_CODE),
            ),
        ),
    )


@dataclass(frozen=True)
class _Parts:
    """What is taken off all tables before a type changes and made again from its definition afterwards."""

    tables: tuple[Scene, ...]
    dependents: tuple[Dependent, ...]
    rules: tuple[tuple[Scene, Constraint], ...]
    indexes: tuple[tuple[Scene, Index], ...]
    comments: tuple[Statement, ...]

    def removals(self) -> Iterator[Statement]:
        yield from rebuild.removals(self.dependents)
        for place, rule in self.rules:
            yield place.altered(f"DROP CONSTRAINT {quoted(rule.name)}")
        for place, index in self.indexes:
            yield Statement(text=f"DROP INDEX {index_name(place, index)}", lock=Lock.ACCESS_EXCLUSIVE)

    def definitions(self) -> Iterator[Statement]:
        for _, index in self.indexes:
            yield Statement(text=index.definition, lock=Lock.SHARE)
        # Foreign keys come last, because they lean on what the other tables have got back.
        for place, rule in reversed(self.rules):
            yield place.altered(f"ADD CONSTRAINT {quoted(rule.name)} {rule.definition}")
        yield from self.comments
        yield from rebuild.definitions(self.dependents)


def _parts(columns: Sequence[KeyColumn]) -> _Parts:
    tables = tuple({item.place.entity.name: item.place for item in columns}.values())
    fields = {place.entity.name: _fields(columns, place) for place in tables}
    rules: list[tuple[Scene, Constraint]] = []
    indexes: list[tuple[Scene, Index]] = []
    comments: list[Statement] = []
    for place in tables:
        mine = fields[place.entity.name]
        own = [
            rule
            for rule in place.entity.constraints
            if rule.kind in _RULES and mine.intersection(rule.fields)
        ]
        _require_settled(place, mine)
        formulas = [
            index
            for index in place.entity.indexes
            if index.constraint is None and mine.intersection(index.fields) and _computes(index)
        ]
        rules += [(place, rule) for rule in own]
        indexes += [(place, index) for index in formulas]
        names = {item.name for item in (*own, *formulas)}
        comments += [
            Statement(text=item.definition or "", lock=Lock.SHARE_UPDATE_EXCLUSIVE)
            for item in place.entity.dependents
            if item.kind in {"comment on constraint", "comment on index"} and item.name in names
        ]
    rules.sort(key=lambda item: item[1].kind != "foreign_key")
    dependents = rebuild.merged(
        rebuild.rebuilt(place, fields[place.entity.name], besides=_FOLLOW) for place in tables
    )
    return _Parts(tables, dependents, tuple(rules), tuple(indexes), tuple(comments))


def _require_settled(place: Scene, fields: frozenset[str]) -> None:
    """Refuse what no server has printed a definition of yet, and what could not be made again (`rules-not-settled`)."""
    for item in (*place.entity.indexes, *place.entity.constraints):
        if not item.definition and fields.intersection(item.fields):
            raise Refused(
                "rules-not-settled",
                f"{item.name} of {place.entity.name}, which names a converted field, is made by an earlier change of "
                "the same migration",
                help="List the conversion before it, or put it into a migration of its own.",
            )


# ALTER COLUMN TYPE carries these along by itself (manual, ALTER TABLE, Description).
_FOLLOW = frozenset({"statistics object"})


def _fields(columns: Iterable[KeyColumn], place: Scene) -> frozenset[str]:
    return frozenset(item.field.name for item in columns if item.place.entity.name == place.entity.name)


def _computes(index: Index) -> bool:
    parts = definitions.index_parts(index.definition)
    return parts.predicate is not None or any(key.field is None for key in index.keys)


def _up(columns: Sequence[KeyColumn], parts: _Parts) -> Iterator[Statement]:
    yield _locked(parts.tables)
    yield from parts.removals()
    for item in columns:
        if item.has_default:
            yield item.place.altered(f"ALTER COLUMN {item.column} DROP DEFAULT")
        yield item.makes_room()
    yield from _together(columns, KeyColumn.conversion)
    for item in columns:
        if item.has_default:
            default = item.forward.value(f"({item.field.default})")
            yield item.place.altered(f"ALTER COLUMN {item.column} SET DEFAULT {default}")
        yield from _numbered(item, types.native(item.to) if item.to.kind in WHOLE else None)
    yield from parts.definitions()


def _down(columns: Sequence[KeyColumn], parts: _Parts) -> Iterator[Statement]:
    yield _locked(parts.tables)
    for item in columns:
        yield from item.refreshed()
    yield from parts.removals()
    for item in columns:
        if item.has_default:
            yield item.place.altered(f"ALTER COLUMN {item.column} DROP DEFAULT")
    yield from _together(columns, lambda item: (item.return_(),))
    for item in columns:
        if item.has_default:
            yield item.place.altered(f"ALTER COLUMN {item.column} SET DEFAULT {item.field.default}")
        yield from _numbered(item, item.sequence[1] if item.sequence and item.to.kind in WHOLE else None)
        yield item.place.altered(f"DROP COLUMN {item.hidden}")
    yield from parts.definitions()


def _together(
    columns: Sequence[KeyColumn], parts: Callable[[KeyColumn], tuple[str, ...]]
) -> Iterator[Statement]:
    """Yield one ALTER TABLE for each table, so that it is written once whatever the number of its columns."""
    for place in {item.place.entity.name: item.place for item in columns}.values():
        mine = [item for item in columns if item.place.entity.name == place.entity.name]
        yield place.altered(", ".join(part for item in mine for part in parts(item)))


def _numbered(item: KeyColumn, kind: str | None) -> Iterator[Statement]:
    """Yield what makes an owned sequence count as far as its column; an identity's sequence follows by itself."""
    if item.sequence is not None and kind is not None and not item.field.identity:
        yield Statement(text=f"ALTER SEQUENCE {item.sequence[0]} AS {kind}", lock=Lock.SHARE_ROW_EXCLUSIVE)


def _locked(tables: Sequence[Scene]) -> Statement:
    # In one order for everybody, so that two of these cannot wait for each other.
    names = ", ".join(sorted(place.table for place in tables))
    return Statement(text=f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE", lock=Lock.ACCESS_EXCLUSIVE)


def _before(columns: Sequence[KeyColumn]) -> Iterator[Probe]:
    for item in columns:
        yield from item.unfit()
        if item.has_default and item.sequence is None and item.forward.unfit is not None:
            # Setting a default does not evaluate it; every later insert would fail.
            yield probe(
                f"unfit-default-of-{item.field.name}",
                f"defaults of {item.place.entity.name}.{item.field.name} do not fit {item.to}",
                "Change or drop the default.",
                f"SELECT 'default' WHERE {item.forward.unfit(f'({item.field.default})')}",
            )
