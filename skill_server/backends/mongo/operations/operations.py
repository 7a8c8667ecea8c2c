"""The closed set of operations that a statement or probe of this backend may hold; nothing else is ever run.

Extended JSON stands in text fields (`…_json`), so that the order of keys survives every store (see `ejson`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from skill_server.model.base import Frozen, JsonObject
from skill_server.model.logical import FieldType


class DescribeField(Frozen):
    """Set what a collection's validator says of one field, and nothing else of the validator.

    An edit, not a whole validator, so that several changes of one migration do not undo each other. Without
    `describes_json` the field is no longer described. A place counts from 0; None means where it is, else the end.
    """

    op: Literal["describe_field"] = "describe_field"
    collection: str
    field: str
    describes_json: str | None
    place: int | None = None
    required: bool = False
    required_place: int | None = None


class EditRules(Frozen):
    """Change some words of what a validator says of one field, and leave the others as they are.

    `required` None leaves that as it is. `forget` takes the description away when it says nothing more. With `alone`
    the validator is there for this field only: it is made where none is, with this level and action, and taken away
    when it says nothing more.
    """

    op: Literal["edit_rules"] = "edit_rules"
    collection: str
    field: str
    put_json: str = "{}"
    remove: tuple[str, ...] = ()
    required: bool | None = None
    required_place: int | None = None
    forget: bool = False
    alone: bool = False
    level: str = "moderate"
    action: str = "error"


class CreateCollection(Frozen):
    """Make a collection with these options; where `kept` is there, it comes back under the name instead."""

    op: Literal["create_collection"] = "create_collection"
    collection: str
    options_json: str
    kept: str | None = None


class KeepCollection(Frozen):
    """Move a collection aside, or drop it where it holds nothing; its TTL indexes go, so that nothing is deleted."""

    op: Literal["keep_collection"] = "keep_collection"
    collection: str
    kept: str


class RenameCollection(Frozen):
    """Give a collection another name, and make sure that it still has these options."""

    op: Literal["rename_collection"] = "rename_collection"
    collection: str
    to: str
    options_json: str


class RunCommand(Frozen):
    """Run one command that an author wrote, of the few that `raw_commands` admits."""

    op: Literal["run_command"] = "run_command"
    command_json: str


class CreateIndex(Frozen):
    """Build an index from its document; one that exists already with the same definition is left alone."""

    op: Literal["create_index"] = "create_index"
    collection: str
    definition_json: str


class DropIndex(Frozen):
    """Drop an index by name; one that is gone already is no error."""

    op: Literal["drop_index"] = "drop_index"
    collection: str
    name: str


class RenameValues(Frozen):
    """Give a field of every document another name, in its place."""

    op: Literal["rename_values"] = "rename_values"
    collection: str
    field: str
    to: str


class RetireValues(Frozen):
    """Move every value of a field into the side collection; a value equal to `unless_json` is dropped unkept."""

    op: Literal["retire_values"] = "retire_values"
    collection: str
    field: str
    kept: str
    unless_json: str | None = None
    made: str | None = None


class RestoreValues(Frozen):
    """Put kept values back where the field is missing, and `fill_json` where nothing is kept.

    Which embedded documents were made for a nested field, `made` remembers for the retirement that takes them away.
    """

    op: Literal["restore_values"] = "restore_values"
    collection: str
    field: str
    kept: str
    fill_json: str | None = None
    made: str | None = None


class ConvertValues(Frozen):
    """Convert a field of every document, keeping the old and the new value in the side collection.

    What does not convert becomes `bad_json`, and is marked as bad where it is kept; without it the operation stops.
    """

    op: Literal["convert_values"] = "convert_values"
    collection: str
    field: str
    kept: str
    was: FieldType
    to: FieldType
    bad_json: str | None = None


class RevertValues(Frozen):
    """Bring converted values back: the kept one where nobody wrote since, else converted back.

    A written value that does not convert goes into the collection `aside`, and the field becomes `bad_json`; without
    it the operation stops.
    """

    op: Literal["revert_values"] = "revert_values"
    collection: str
    field: str
    kept: str
    was: FieldType
    to: FieldType
    aside: str | None = None
    bad_json: str | None = None


class DropKept(Frozen):
    """Drop a side collection, or with `keep_bad` delete everything in it but the values that did not convert."""

    op: Literal["drop_kept"] = "drop_kept"
    kept: str
    keep_bad: bool = False


class FindOffenders(Frozen):
    """Find the documents that match a filter."""

    op: Literal["find_offenders"] = "find_offenders"
    collection: str
    filter_json: str


class FindDuplicates(Frozen):
    """Find the documents that a unique index on these keys would refuse.

    With `kept`, the question is about the moment when `field` will be back: where it is missing it counts as the kept
    value, else as `fill_json`.
    """

    op: Literal["find_duplicates"] = "find_duplicates"
    collection: str
    keys: tuple[str, ...]
    filter_json: str = "{}"
    field: str | None = None
    kept: str | None = None
    fill_json: str | None = None
    collation_json: str | None = None


class FindUnconvertible(Frozen):
    """Find the documents whose value does not convert, or collides with another where it must be unique.

    With `kept`, documents whose value is still the one that a conversion made and kept do not offend.
    """

    op: Literal["find_unconvertible"] = "find_unconvertible"
    collection: str
    field: str
    was: FieldType
    to: FieldType
    kept: str | None = None
    unique: bool = False


class FindUnkept(Frozen):
    """Find the documents that have neither the field nor a kept value for it."""

    op: Literal["find_unkept"] = "find_unkept"
    collection: str
    field: str
    kept: str


class FindOrphans(Frozen):
    """Find the documents whose field names no document of another collection; elements of arrays count each."""

    op: Literal["find_orphans"] = "find_orphans"
    collection: str
    field: str
    references: str
    references_field: str


Change = (
    DescribeField
    | EditRules
    | CreateCollection
    | KeepCollection
    | RenameCollection
    | RunCommand
    | CreateIndex
    | DropIndex
    | RenameValues
    | RetireValues
    | RestoreValues
    | ConvertValues
    | RevertValues
    | DropKept
)
Question = FindOffenders | FindDuplicates | FindUnconvertible | FindUnkept | FindOrphans

# Built on first use: every command imports these, and most read no operation.
_DEFERRED = ConfigDict(defer_build=True)
_CHANGE: TypeAdapter[Change] = TypeAdapter(Annotated[Change, Field(discriminator="op")], config=_DEFERRED)
_QUESTION: TypeAdapter[Question] = TypeAdapter(
    Annotated[Question, Field(discriminator="op")], config=_DEFERRED
)


def read_change(command: JsonObject | None) -> Change:
    """Return the operation of a statement; raise ValueError for anything outside the closed set."""
    return _CHANGE.validate_python(command)


def read_question(command: JsonObject | None) -> Question:
    """Return the operation of a probe; raise ValueError for anything outside the closed set."""
    return _QUESTION.validate_python(command)
