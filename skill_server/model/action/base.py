"""What all actions have in common: the entity they are about, and what of it they concern."""

from skill_server.model.base import Frozen
from skill_server.model.ids import Name


class ActionBase(Frozen):
    """One action on one entity.

    `field` and `to`, where an action has them, are names of fields unless it says otherwise.
    """

    entity: Name

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return what the action needs for itself, as (kind of thing, entity, name).

        Two changes of one migration that claim the same thing contradict each other.
        """
        return frozenset()

    def touched(self) -> frozenset[str]:
        """Return `entity.field` for each field whose values or name change, `entity` where all of it does."""
        return frozenset()


class FieldAction(ActionBase):
    """An action on one field."""

    field: Name

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return the field."""
        return frozenset({("field", self.entity, self.field)})

    def touched(self) -> frozenset[str]:
        """Return the field."""
        return frozenset({f"{self.entity}.{self.field}"})
