"""The name map: which entity of one database is which of the other."""

from typing import Annotated

from pydantic import AfterValidator, Field

from skill_server.model.base import Frozen
from skill_server.model.ids import LONGEST_NAME_BYTES, BackendKind, Name, existing_name


def _place_name(name: str) -> str:
    """Return what PostgreSQL calls an entity; `schema.table` where it lies outside of the schema public."""
    return ".".join(existing_name(part) for part in name.split(".", 1))


PlaceName = Annotated[
    str, AfterValidator(_place_name), Field(min_length=1, max_length=2 * LONGEST_NAME_BYTES + 1)
]


class EntityNames(Frozen):
    """The names of one entity and of those fields whose names differ between the databases."""

    postgres: PlaceName
    mongodb: Name
    fields: dict[Name, dict[BackendKind, str]] = {}


class NameMap(Frozen):
    """Logical entity name to its names in each database; what is not listed has the same name in both."""

    entities: dict[Name, EntityNames] = {}

    def native_entity(self, entity: str, backend: BackendKind) -> str:
        """Return what a database calls an entity."""
        names = self.entities.get(entity)
        if names is None:
            return entity
        return {BackendKind.POSTGRES: names.postgres, BackendKind.MONGODB: names.mongodb}[backend]

    def native_field(self, entity: str, field: str, backend: BackendKind) -> str:
        """Return what a database calls a field of an entity."""
        names = self.entities.get(entity)
        return field if names is None else names.fields.get(field, {}).get(backend, field)

    def nested_fields(self, entity: str, backend: BackendKind) -> tuple[str, ...]:
        """Return the paths that a database calls fields of an entity which lie inside others."""
        names = self.entities.get(entity)
        found = (self.native_field(entity, field, backend) for field in (names.fields if names else ()))
        return tuple(path for path in found if "." in path)

    def logical_entity(self, native: str, backend: BackendKind) -> str:
        """Return the logical name of what a database calls `native`."""
        for name in self.entities:
            if self.native_entity(name, backend) == native:
                return name
        return native

    def logical_field(self, entity: str, native: str, backend: BackendKind) -> str:
        """Return the logical name of what a database calls `native` in an entity."""
        names = self.entities.get(entity)
        for name in names.fields if names else ():
            if self.native_field(entity, name, backend) == native:
                return name
        return native
