"""Convert a field to another type; the old values are kept until the migration is finalized."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, presence, values
from skill_server.model.change import Change
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import Name
from skill_server.model.logical import BadValues, Fidelity, FieldType, fidelity
from skill_server.model.snapshot import Entity, Snapshot
from skill_server.model.values import PlainValue


class RetypeField(Change):
    """The same field with values of another type."""

    kind: Literal["retype_field"] = "retype_field"
    field: Name
    was: FieldType
    to: FieldType
    on_bad: BadValues = BadValues.FAIL
    bad_default: PlainValue = None

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that converts the field."""
        yield action.RetypeField(**self.model_dump(exclude={"kind"}))

    def inverse(self) -> Change:
        """Return the change that brings the old values back."""
        return changes.construct("restore_type", **self.model_dump(exclude={"kind"}))

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the old values."""
        keep = self.on_bad is BadValues.KEEP
        yield action.PurgeType(entity=self.entity, field=self.field, to=self.to, keep_bad=keep)

    def describe(self) -> str:
        """Say both types."""
        return f"Convert the field {self.field} of {self.entity} from {self.was} to {self.to}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there or of another type, and a conversion that is unknown or loses digits."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        if not snapshot.declares_fields:
            # Where records are found by nothing but their key, it cannot be another value in the same record.
            yield from presence.key_problems(snapshot, self.entity, self.field)
        yield from self._type_problems(snapshot)
        yield from self._bad_problems(snapshot)
        loss = fidelity(self.was, self.to)
        if self.was == self.to:
            yield presence.problem(
                "conversion-changes-nothing",
                snapshot,
                f"{self.field} would stay {self.to}",
                "Leave this change out, or name the type that the field should get.",
                name=self.field,
            )
        elif loss is None:
            yield presence.problem(
                "conversion-unknown",
                snapshot,
                f"no conversion from {self.was} to {self.to} is defined",
                "Add a field of the new type, compute it with transform_fields, and drop the old field later.",
                name=self.field,
            )
        elif loss is Fidelity.LOSSY:
            yield presence.problem(
                "conversion-lossy",
                snapshot,
                f"values of {self.field} may lose digits on the way from {self.was} to {self.to}",
                "Choose a wider type, or accept it: the old values are kept until the migration is finalized.",
                severity=Severity.WARNING,
                name=self.field,
            )

    def _bad_problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a policy for bad values that cannot be kept."""
        entity = snapshot.entity(self.entity)
        field = entity.field(self.field) if entity else None
        wants_default = self.on_bad is BadValues.DEFAULT
        reason = values.misfit(self.bad_default, self.to) if self.bad_default is not None else None
        if wants_default is (self.bad_default is None) or reason is not None:
            yield presence.problem(
                "bad-default-does-not-fit",
                snapshot,
                f"the bad_default of {self.field} is no {self.to}: {reason[:200]}"
                if reason is not None
                else f"on_bad={str(self.on_bad)!r} and bad_default of {self.field} do not go together",
                f"Give on_bad='default' together with a bad_default that {self.to} holds exactly.",
                name=self.field,
            )
        empty = self.on_bad in (BadValues.NULL, BadValues.KEEP)
        if empty and snapshot.declares_fields and field is not None and not field.nullable:
            yield presence.problem(
                "bad-values-need-room",
                snapshot,
                f"{self.field} of {self.entity} may not be empty, which on_bad={str(self.on_bad)!r} would make it",
                "Use on_bad='default' with a bad_default, or correct the values.",
                name=self.field,
            )

    def _type_problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        entity = snapshot.entity(self.entity)
        field = entity.field(self.field) if entity else None
        # MongoDB has no declared types: what a few records hold does not contradict the author.
        # A field that points to another one may have followed it to the new type in this migration.
        known = (None, self.was, self.to) if self._points(entity) else (None, self.was)
        if snapshot.declares_fields and field and field.type not in known:
            yield presence.problem(
                "type-differs",
                snapshot,
                f"{self.field} of {self.entity} is {field.type}, not {self.was}",
                f"Write was={str(field.type)!r}.",
                name=self.field,
            )

    def _points(self, entity: Entity | None) -> bool:
        rules = entity.constraints if entity else ()
        return any(item.references is not None and self.field in item.fields for item in rules)


CHANGE = RetypeField
