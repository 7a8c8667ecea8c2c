"""What a database looks like: entities, fields, indexes, constraints, and what depends on them."""

from typing import Literal

from skill_server.model.base import Frozen, Json, JsonObject
from skill_server.model.ids import BackendKind, Name
from skill_server.model.logical import FieldType


class Field(Frozen):
    """One field of an entity.

    `native_name` is its name in this database (the name map may differ), `native_type` the database's own words.
    On MongoDB the fields come from the validator and from reading documents, so they never enter a fingerprint.
    """

    name: str
    native_name: str
    type: FieldType | None
    native_type: str
    nullable: bool = True
    default: str | None = None
    generated: bool = False
    identity: bool = False


class IndexKey(Frozen):
    """One key of an index; `field` is None for an expression."""

    field: str | None
    descending: bool = False


class Condition(Frozen):
    """What a record has to fulfil to be in a partial index."""

    field: Name
    operator: Literal["=", "<", "<=", ">", ">=", "present"]
    value: Json = None


class Index(Frozen):
    """An index; `definition` rebuilds it (SQL, or canonical Extended JSON of the index document)."""

    name: str
    keys: tuple[IndexKey, ...]
    unique: bool = False
    definition: str
    constraint: str | None = None
    valid: bool = True
    fields: tuple[str, ...] = ()


class Constraint(Frozen):
    """A constraint; `definition` is what follows `ADD CONSTRAINT name` on PostgreSQL."""

    name: str
    kind: Literal["primary_key", "unique", "check", "foreign_key", "exclusion"]
    fields: tuple[str, ...]
    definition: str
    references: str | None = None
    references_fields: tuple[str, ...] = ()
    on_delete: str | None = None
    validated: bool = True


class Dependent(Frozen):
    """Something else in the database that leans on fields of an entity: a view, policy, function, trigger and so on.

    `definition` recreates it and `removal` takes it away; both are None where only a refusal is safe. `afterwards`
    gives what was recreated its owner, privileges and comments back.
    """

    kind: str
    name: str
    fields: tuple[str, ...]
    definition: str | None = None
    removal: str | None = None
    afterwards: tuple[str, ...] = ()
    follows_rename: bool = False


class Entity(Frozen):
    """A table or a collection under its logical name, with the size the database estimates."""

    name: str
    native_name: str
    fields: tuple[Field, ...] = ()
    indexes: tuple[Index, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    dependents: tuple[Dependent, ...] = ()
    validator: JsonObject | None = None
    options: JsonObject = {}
    key: tuple[str, ...] = ()
    records: int = 0
    size_bytes: int = 0

    def field(self, name: str) -> Field | None:
        """Return the field of that logical name, if there is one."""
        return next((field for field in self.fields if field.name == name), None)

    def index(self, name: str) -> Index | None:
        """Return the index of that name, if there is one."""
        return next((index for index in self.indexes if index.name == name), None)


class Snapshot(Frozen):
    """The schema of one database at one moment.

    `fingerprint` covers the catalog only (never sampled values, sizes or the ledger), and is equal on a restored copy.
    """

    backend: BackendKind
    entities: tuple[Entity, ...]
    fingerprint: str
    # What is true of all schemas of a database, so that nobody asks which database it is.
    declares_fields: bool = True
    index_names_are_shared: bool = True
    # The places that entities can be moved between (schemas); None where a database has no such thing.
    namespaces: tuple[str, ...] | None = None
    # What the database itself runs at every change of the schema, and so at the steps of a plan: event triggers.
    schema_triggers: tuple[str, ...] = ()
    # Definitions that a restored copy may spell in another way, with the one spelling of all copies.
    spellings: dict[str, str] = {}

    def entity(self, name: str) -> Entity | None:
        """Return the entity of that logical name, if there is one."""
        return next((entity for entity in self.entities if entity.name == name), None)

    def spelled(self, definition: str | None) -> str | None:
        """Return a definition in the spelling that it has in every copy of this schema."""
        return self.spellings.get(definition, definition) if definition is not None else None
