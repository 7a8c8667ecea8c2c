"""Which logical entity a table is, wherever it lies."""

from collections import Counter
from collections.abc import Iterable

from skill_server.backends.postgres.identifiers import SCHEMA
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.names import NameMap


def logical_names(tables: Iterable[tuple[str, str]], names: NameMap) -> dict[tuple[str, str], str]:
    """Return the logical name of each (schema, table).

    A table outside of the schema public goes by its bare name, so that moving it does not rename the entity, unless the
    name map gives it another or another table has a claim to that name; then it is `schema.table`.
    """
    found: dict[tuple[str, str], str] = {}
    bare: dict[tuple[str, str], str] = {}
    for schema, table in tables:
        native = table if schema == SCHEMA else f"{schema}.{table}"
        found[schema, table] = names.logical_entity(native, BackendKind.POSTGRES)
        candidate = names.logical_entity(table, BackendKind.POSTGRES)
        mapped = found[schema, table] != native
        # What the name map calls by that name may be another table, even one that is not there now.
        meant = names.native_entity(candidate, BackendKind.POSTGRES) == table
        if schema not in {SCHEMA, KEPT_NAME} and not mapped and meant:
            bare[schema, table] = candidate
    taken = set(found.values())
    counts = Counter(bare.values())
    free = {place: name for place, name in bare.items() if counts[name] == 1 and name not in taken}
    return found | free
