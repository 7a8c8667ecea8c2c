"""What can be done to a constraint: a rule for one field, or a reference to another entity."""

from typing import Annotated, Literal

from pydantic import Field

from skill_server.model.action.base import ActionBase
from skill_server.model.base import Frozen
from skill_server.model.ids import Name
from skill_server.model.logical import FieldType
from skill_server.model.rule import Rule

OnDelete = Literal["no action", "restrict", "cascade", "set null", "set default"]


class CheckSpec(Frozen):
    """A rule that every value of a field follows; an empty field follows all rules.

    `type` is the declared type of the field, by which listed values are read; None where no database declares one.
    """

    kind: Literal["check"] = "check"
    field: Name
    rule: Rule
    type: FieldType | None = None


class ReferenceSpec(Frozen):
    """A field that names a record of another entity by one of its fields.

    PostgreSQL watches over it with a foreign key; MongoDB does not, so orphans are looked for before and after.
    """

    kind: Literal["reference"] = "reference"
    field: Name
    references: Name
    references_field: Name
    on_delete: OnDelete = "no action"


ConstraintSpec = Annotated[CheckSpec | ReferenceSpec, Field(discriminator="kind")]


class _ConstraintAction(ActionBase):
    name: Name

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return the constraint."""
        return frozenset({("constraint", self.entity, self.name)})


class AddConstraint(_ConstraintAction):
    """A new constraint; records that are there have to fulfil it."""

    kind: Literal["add_constraint"] = "add_constraint"
    spec: ConstraintSpec

    def inverse(self) -> "RemoveConstraint":
        """Return the action that takes the constraint away again."""
        return RemoveConstraint(entity=self.entity, name=self.name, spec=self.spec)


class RemoveConstraint(_ConstraintAction):
    """Take an added constraint away."""

    kind: Literal["remove_constraint"] = "remove_constraint"
    spec: ConstraintSpec

    def inverse(self) -> AddConstraint:
        """Return the action that adds the constraint."""
        return AddConstraint(entity=self.entity, name=self.name, spec=self.spec)


class RetireConstraint(_ConstraintAction):
    """Drop a constraint that is there and remember its definition.

    PostgreSQL finds it by `name`; MongoDB, whose rules have no names, by the `field` they speak of.
    """

    kind: Literal["retire_constraint"] = "retire_constraint"
    of: Literal["check", "reference"]
    field: Name
