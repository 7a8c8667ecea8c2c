"""Parts of a schema are compared by name, so that a reader learns which one somebody touched."""

from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Constraint, Entity, Field, Index, Snapshot
from skill_server.verify.parts import Parts, differences, parts_of


def schema(*entities: Entity, declares_fields: bool = True) -> Snapshot:
    """Return a schema of these entities."""
    return Snapshot(
        backend=BackendKind.POSTGRES, entities=entities, fingerprint="f", declares_fields=declares_fields
    )


def items(**changed: object) -> Entity:
    """Return an entity with one part of each kind, some of them changed."""
    parts: dict[str, object] = {
        "fields": (Field(name="a", native_name="a", type=parse("Integer"), native_type="integer"),),
        "indexes": (Index(name="by_a", keys=(), definition="on a"),),
        "constraints": (Constraint(name="small", kind="check", fields=("a",), definition="a < 5"),),
        "validator": {"a": 1},
    }
    return Entity.model_validate({"name": "items", "native_name": "items", **parts, **changed})


def test_a_schema_does_not_differ_from_itself_however_many_records_it_holds() -> None:
    """Sizes are no part of a schema."""
    assert differences(parts_of(schema(items())), schema(items(records=9, size_bytes=7))) == ()


def test_every_kind_of_part_is_named_when_it_is_missing_added_or_changed() -> None:
    """Whoever mends the schema has to know where."""
    bare = items(fields=(), indexes=(), constraints=(), validator=None)
    names = ("constraint small", "field a", "index by_a", "validator")

    assert differences(parts_of(schema(items())), schema(bare)) == tuple(
        f"the {name} of items is missing" for name in names
    )
    assert differences(parts_of(schema(bare)), schema(items())) == tuple(
        f"the {name} of items was added" for name in names
    )
    assert differences(parts_of(schema(items())), schema(items(validator={"a": 2}))) == (
        "the validator of items was changed",
    )


def test_whole_entities_and_their_options_are_named() -> None:
    """An entity that is gone has no parts to list."""
    other = items(name="other")

    assert differences(parts_of(schema(items())), schema(other)) == (
        "the entity items is missing",
        "the entity other was added",
    )
    assert differences(parts_of(schema(items())), schema(items(options={"capped": True}))) == (
        "the place or an option of items was changed",
    )


def test_fields_that_only_sampling_knows_are_no_parts() -> None:
    """A record that leaves a field out changes no schema."""
    known = parts_of(schema(items(), declares_fields=False))

    assert differences(known, schema(items(fields=()), declares_fields=False)) == ()


def test_parts_come_back_from_the_ledger_as_they_went() -> None:
    """The ledger holds JSON."""
    known = parts_of(schema(items()))

    assert Parts.model_validate_json(known.model_dump_json()) == known
