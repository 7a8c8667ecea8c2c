"""Moves of values that go through this process in batches: computed, looked up, copied from one place to another.

A flow is neutral: it names logical entities and fields, and both databases carry it out through `backends.records`.
"""

from typing import Annotated, Literal

from pydantic import Field

from skill_server.model.base import Frozen, Json
from skill_server.model.ids import BackendKind, Name


class Function(Frozen):
    """One pure Python function of a migration file: a record of plain values in, a mapping of new values out.

    `source` is the whole `def`. It runs in a process of its own with an empty environment (`run.sandbox`).
    """

    kind: Literal["function"] = "function"
    name: Name
    source: Annotated[str, Field(max_length=64 * 1024)]


class Expressions(Frozen):
    """For each written field an SQL expression over `t` (the records), and an aggregation expression."""

    kind: Literal["expressions"] = "expressions"
    postgres: dict[Name, str]
    mongodb: dict[Name, Json]


Formula = Annotated[Function | Expressions, Field(discriminator="kind")]


class Homes(Frozen):
    """What has to go back where a lookup carries values back: all that was written since, or it is listed beforehand.

    Without `each`, a value in one of the looked-up fields needs a record that finds it. With `each`, the objects in
    that array and the records that find it are the same by `key`, and no object has more members than `members`.
    """

    each: Name | None = None
    key: Name | None = None
    members: tuple[Name, ...] = ()


class Lookup(Frozen):
    """Values of another entity's record, found where its field `theirs` equals this record's field `own`.

    `fields` maps their field to the name under which the formula (or, without one, the written field) gets it. Where
    `many` is set, all records that match come as a list of objects under that name, in order of their key.
    """

    entity: Name
    own: Name
    theirs: Name
    fields: dict[Name, Name]
    many: Name | None = None
    homes: Homes | None = None


class Assignment(Frozen):
    """How written fields get their values: from `reads` and `lookup` by `formula`, or as looked up without one.

    A record whose lookup finds nothing is left alone.
    """

    writes: tuple[Name, ...]
    reads: tuple[Name, ...] = ()
    lookup: Lookup | None = None
    formula: Formula | None = None


class Copy(Frozen):
    """Where copied records come from.

    `mapping` gives each field of the new record the source field whose value it gets; `formula` (a function) may
    compute them instead. `key` are the fields that tell the new records apart: one that is there already is left alone.
    `database` is the other database where the records come from there. Source records without a value in `present` are
    left out. With `each`, every object in that array makes a record: its members are read like fields, the array's
    index (from 0) as `index`.
    """

    entity: Name
    mapping: dict[Name, Name]
    key: tuple[Name, ...]
    database: BackendKind | None = None
    formula: Function | None = None
    present: Name | None = None
    each: Name | None = None


class Flow(Frozen):
    """One direction of a move, as a statement holds it.

    `update` and `copy` go forward; `revert` and `withdraw` take them back. `kept` names the store, the same on every
    database, of old values (update) or of the keys and values of the records made (copy).
    """

    operation: Literal["update", "revert", "copy", "withdraw"]
    entity: Name
    kept: str
    forward: Assignment | None = None
    backward: Assignment | None = None
    copy_of: Copy | None = None
