"""Models are compared with records by what would fail the application, and by nothing else."""

import pytest

from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.names import EntityNames, NameMap
from skill_server.model.snapshot import Entity, Field, Snapshot
from skill_server.project.models import ModelEntity, ModelField, ProjectModels
from skill_server.project.models_held import models_held

NAMES = NameMap(entities={"items": EntityNames(postgres="items", mongodb="item")})


def found(kind: str, held: str | None, *, nullable: bool = False, key: bool = False, records: int = 3) -> str:
    """Return what is said of one field of a model and of the records."""
    own = Field(name="a", native_name="a", type=parse(kind), native_type="")
    there = () if held is None else (Field(name="a", native_name="a", type=parse(held), native_type=""),)
    declared = ModelField(name="a", attribute="a", type=parse(kind), nullable=nullable, file="m.py", line=4)
    schema = Snapshot(
        backend=BackendKind.POSTGRES,
        entities=(Entity(name="items", native_name="items", fields=(own,), key=("a",) if key else ()),),
        fingerprint="",
    )
    records_ = Snapshot(
        backend=BackendKind.MONGODB,
        entities=(Entity(name="items", native_name="item", fields=there, records=records),),
        fingerprint="",
    )
    models = ProjectModels(entities=(ModelEntity(name="items", file="m.py", line=1, fields=(declared,)),))
    return "; ".join(models_held(models, schema, records_, NAMES))


def test_a_required_field_that_no_record_has_is_named() -> None:
    """The application would find nothing where the model promises a value."""
    assert found("Integer", None) == "no record of items has the field a, which the model requires (m.py:4)"


@pytest.mark.parametrize("reason", ["nullable", "key", "records"])
def test_a_field_that_records_may_leave_out_is_not(reason: str) -> None:
    """Empty fields are left out, keys may be the database's own, and no records say nothing."""
    nothing = {
        "nullable": found("Integer", None, nullable=True),
        "key": found("Integer", None, key=True),
        "records": found("Integer", None, records=0),
    }
    assert nothing[reason] == ""


@pytest.mark.parametrize(
    ("kind", "held", "fits"),
    [
        ("String(20)", "Text", True),
        ("Integer", "BigInteger", True),
        ("Float", "Integer", True),
        ("Date", "Text", True),
        ("Decimal(8,2)", "Text", True),
        ("Uuid", "Text", True),
        ("Json", "Integer", True),
        ("Integer", "Text", False),
        ("Text", "Integer", False),
        ("Boolean", "Integer", False),
        ("DateTime", "Boolean", False),
    ],
)
def test_types_fit_where_a_value_can_be_the_same(kind: str, held: str, fits: bool) -> None:
    """What one database lacks is often kept as text; a number is not."""
    said = found(kind, held)

    assert (said == "") is fits
    assert fits or said == f"items.a is {parse(kind)} in the model and {parse(held)} in the records (m.py:4)"
