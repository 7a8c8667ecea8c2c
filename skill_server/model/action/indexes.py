"""What can be done to an index."""

from typing import Literal, Self

from skill_server.model.action.base import ActionBase
from skill_server.model.ids import BackendKind, Name, NativeNames
from skill_server.model.logical import FieldType
from skill_server.model.snapshot import Condition, IndexKey


class _IndexAction(ActionBase):
    name: Name

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return the index."""
        return frozenset({("index", self.entity, self.name)})


class _IndexShape(_IndexAction):
    """What an index is made of, in words that both databases have.

    `where` are conditions that a record has to fulfil, all of them. `method` `text` searches words. `ignore_case`
    compares text without regard to case. `expression` is an SQL expression that PostgreSQL indexes instead of `keys`,
    which MongoDB indexes. `expire_after_s` makes MongoDB delete records that long after the moment in the key. `types`
    are the declared types of the fields in `where`, by which its values are read, as far as a database declares them.
    """

    keys: tuple[IndexKey, ...]
    unique: bool = False
    where: tuple[Condition, ...] = ()
    types: dict[Name, FieldType] = {}
    method: Literal["ordered", "text"] = "ordered"
    ignore_case: bool = False
    expression: str | None = None
    expire_after_s: int | None = None


class BuildIndex(_IndexShape):
    """Build an index without stopping writers."""

    kind: Literal["build_index"] = "build_index"

    def inverse(self) -> "RemoveIndex":
        """Return the action that takes the index away."""
        return RemoveIndex(**self.model_dump(exclude={"kind"}))


class RemoveIndex(_IndexShape):
    """Take away an index that `build_index` made."""

    kind: Literal["remove_index"] = "remove_index"

    def inverse(self) -> BuildIndex:
        """Return the action that builds the index."""
        return BuildIndex(**self.model_dump(exclude={"kind"}))


class _KnownIndex(_IndexAction):
    """An index that is there already; `names` says what a database calls it where that is not `name`."""

    names: NativeNames = {}

    def on(self, backend: BackendKind) -> Self:
        """Return the action under the name that one database uses."""
        return self.model_copy(update={"name": self.names.get(backend, self.name), "names": {}})


class RetireIndex(_KnownIndex):
    """Drop an index and remember its definition."""

    kind: Literal["retire_index"] = "retire_index"

    def inverse(self) -> "RestoreIndex":
        """Return the action that rebuilds the index."""
        return RestoreIndex(entity=self.entity, name=self.name, names=self.names)


class RestoreIndex(_KnownIndex):
    """Rebuild a retired index from its remembered definition."""

    kind: Literal["restore_index"] = "restore_index"

    def inverse(self) -> RetireIndex:
        """Return the action that drops the index."""
        return RetireIndex(entity=self.entity, name=self.name, names=self.names)
