"""Compare content checksums of two moments, leaving out what a plan was meant to change."""

from collections.abc import Iterable, Mapping

from skill_server.model.base import Frozen
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.receipt import Checksums
from skill_server.model.snapshot import Snapshot

# MongoDB documents carry the order of their fields as a pseudo field of this name.
ORDER = "(order)"
# Records without a key are compared as a multiset of whole records, under this name.
WHOLE = "*"


class Difference(Frozen):
    """One entity or field whose content is not equal."""

    backend: BackendKind
    entity: str
    field: str | None
    what: str

    def __str__(self) -> str:
        place = f"{self.backend} {self.entity}" + (f".{self.field}" if self.field else "")
        return f"{place}: {self.what}"


def suspects(found: Iterable[Difference], snapshots: Mapping[BackendKind, Snapshot]) -> tuple[str, ...]:
    """Name what the databases that hold these differences run by themselves, and which may have made them."""
    kinds = {item.backend for item in found}
    return tuple(name for kind in BackendKind if kind in kinds for name in snapshots[kind].schema_triggers)


def compare(
    before: Mapping[BackendKind, Checksums],
    after: Mapping[BackendKind, Checksums],
    *,
    touched: frozenset[str] = frozenset(),
    kept: bool = False,
) -> tuple[Difference, ...]:
    """Return every difference between two moments.

    `touched` holds `entity.field` names whose content may differ, and names of entities of which everything may; where
    one field of an entity is touched, the order of fields may differ too. `kept` also compares the values that retired
    fields keep.
    """
    found: list[Difference] = []
    for kind in BackendKind:
        first, second = before[kind].entities, after[kind].entities
        for entity in sorted(first.keys() | second.keys()):
            if entity in touched or (not kept and entity.startswith(KEPT_NAME)):
                continue
            if entity not in first or entity not in second:
                what = "is missing" if entity in first else "is new"
                found.append(Difference(backend=kind, entity=entity, field=None, what=what))
                continue
            old, new = first[entity], second[entity]
            if old.records != new.records:
                what = f"holds {new.records} records instead of {old.records}"
                found.append(Difference(backend=kind, entity=entity, field=None, what=what))
            edited = any(name.startswith(f"{entity}.") for name in touched)
            for field in sorted(old.fields.keys() | new.fields.keys()):
                free = f"{entity}.{field}" in touched or (
                    edited and (field in {ORDER, WHOLE} or field.startswith("_retired_"))
                )
                if not free and old.fields.get(field) != new.fields.get(field):
                    found.append(Difference(backend=kind, entity=entity, field=field, what="content differs"))
    return tuple(found)
