"""What a verification compares that lies outside of the databases: files, models, and what the ledger promises."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from skill_server.application.revisions import changed_files, pending, read_graph
from skill_server.application.session import Session
from skill_server.backends.base import ReferenceAsked
from skill_server.errors import MigrationError
from skill_server.ledger import history
from skill_server.model.action import (
    AddConstraint,
    AddEntity,
    ReferenceSpec,
    RemoveConstraint,
    RetireConstraint,
)
from skill_server.model.finding import Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.references import references
from skill_server.model.snapshot import Entity, Snapshot
from skill_server.project.models import models_match
from skill_server.project.models_held import models_held
from skill_server.project.read_models import read_models
from skill_server.verify.context import Compared

_NUMBERS: Final = frozenset({"int", "long", "double", "decimal"})


class Sides(NamedTuple):
    """Which entities are meant to be in one database only, and which in both."""

    one: frozenset[str]
    two: frozenset[str]


class Followed(NamedTuple):
    """Which references a database that watches over none is asked for, and why others are not."""

    asked: tuple[ReferenceAsked, ...]
    unasked: tuple[str, ...]


def files(session: Session) -> Compared:
    """Compare the applied revisions with their files; that the ledger is whole was seen when it was read."""
    entries = len(session.events)
    whole = f"the {entries} entries of the ledger are alike in both databases and chained"
    try:
        problems = changed_files(session, read_graph(session))
    except MigrationError as error:
        problems = (f"the migration files cannot be compared: {error.message}",)
    applied = len(session.history.applied)
    return Compared(
        f"{whole}, and all {applied} applied revisions have the files that were applied", problems
    )


def models(session: Session) -> Compared | None:
    """Compare the models with both schemas; None where the configuration names none.

    While a revision waits to be applied the models may be ahead of the databases, so that differences are only told.
    """
    place = session.settings.project.models
    if place is None:
        return None
    try:
        found = read_models(session.settings.path(place), session.settings.root)
        waiting = pending(session, read_graph(session))
    except MigrationError as error:
        return Compared("", (error.message,))
    schema = session.snapshots[BackendKind.POSTGRES]
    errors = [item for item in models_match(found, schema) if item.severity is Severity.ERROR]
    unread = [item for item in errors if item.rule == "models-unreadable"]
    problems = [
        f"{item.backend}: {item.message} ({item.file}:{item.line}). {item.help}"
        for item in errors
        if item not in unread
    ]
    held = session.snapshots[BackendKind.MONGODB]
    problems += [
        f"{BackendKind.MONGODB}: {line}" for line in models_held(found, schema, held, session.target.names)
    ]
    proven = f"{len(found.entities)} models equal the schema of postgres and fit the records of mongodb"
    if unread:
        proven += (
            f", but {len(unread)} places were not understood and not compared, first: {unread[0].message}"
        )
    if problems and waiting:
        told = f"{len(waiting)} revisions wait to be applied, so the models may be ahead; they differ in "
        return Compared(told + "; ".join(problems))
    return Compared(proven, tuple(problems))


def sides(session: Session) -> Sides:
    """Read from the configuration and the applied plans which entities belong into one database, and which into both.

    The name map speaks of entities of both; so does an upgrade that made one in both. What an upgrade left one database
    out of is meant for the other.
    """
    one, two = set[str](), set(session.settings.project.names)
    for plan in _applied(session):
        made: dict[str, set[BackendKind]] = {}
        for step in plan.steps:
            if isinstance(step.action, AddEntity):
                made.setdefault(step.action.entity, set()).add(step.backend)
            if plan.not_applicable:
                one |= {entity for what, entity, _ in step.action.claims() if what == "entity"}
        two |= {entity for entity, kinds in made.items() if len(kinds) == len(BackendKind)}
        one |= {entity for entity, kinds in made.items() if len(kinds) < len(BackendKind)}
    return Sides(frozenset(one), frozenset(two))


def followed(session: Session) -> Followed:
    """Return the references that MongoDB's records should keep: PostgreSQL's foreign keys, and those of applied plans.

    Where the two fields are not in MongoDB, or hold values that cannot be equal, the application refers in another way.
    Where the other entity lost all its records, none of that can be told, and every reference leads nowhere.
    """
    held = session.snapshots[BackendKind.MONGODB]
    meant = sides(session)
    lost = _known(session) | (meant.two - meant.one)
    asked: list[ReferenceAsked] = []
    unasked: list[str] = []
    for reference in dict.fromkeys(
        (*_declared(session.snapshots[BackendKind.POSTGRES]), *_promised(session))
    ):
        why = _unfit(reference, held, lost)
        if why is None:
            asked.append(reference)
        elif why:
            unasked.append(f"{reference.entity}.{reference.field} in {held.backend}, because {why}")
    return Followed(tuple(asked), tuple(unasked))


def _applied(session: Session) -> Iterator[Plan]:
    plans = history.plans(session.events)
    for entry in session.history.applied:
        if entry.plan_id is not None and entry.plan_id in plans:
            yield plans[entry.plan_id]


def _declared(schema: Snapshot) -> Iterator[ReferenceAsked]:
    for item in references(schema):
        # A key of several fields is one reference, which no database without foreign keys can be asked for in parts.
        if len(item.constraint.fields) == 1:
            yield ReferenceAsked(
                entity=item.entity.name,
                field=item.field.name,
                references=item.parent_entity,
                references_field=item.parent_field,
            )


def _promised(session: Session) -> tuple[ReferenceAsked, ...]:
    found: dict[tuple[str, str], ReferenceAsked] = {}
    for plan in _applied(session):
        for step in plan.of(BackendKind.MONGODB):
            match step.action:
                case AddConstraint(entity=entity, spec=ReferenceSpec() as spec):
                    found[entity, spec.field] = ReferenceAsked(
                        entity=entity,
                        field=spec.field,
                        references=spec.references,
                        references_field=spec.references_field,
                    )
                case RemoveConstraint(entity=entity, spec=ReferenceSpec(field=field)):
                    found.pop((entity, field), None)
                case RetireConstraint(entity=entity, of="reference", field=field):
                    found.pop((entity, field), None)
                case _:
                    pass
    return tuple(found.values())


def _known(session: Session) -> frozenset[str]:
    """Return the entities that MongoDB had when the ledger last recorded its parts."""
    kind = BackendKind.MONGODB
    recorded = (event.body["parts"][kind] for event in reversed(session.events) if "parts" in event.body)
    return frozenset(next(recorded, {"entities": ()})["entities"])


def _unfit(reference: ReferenceAsked, held: Snapshot, lost: frozenset[str]) -> str | None:
    """Return why a reference cannot be followed, empty where there is nothing to follow, None where it can.

    An entity that is not there counts as `lost` if it ever was, or was meant to be.
    """
    child, parent = held.entity(reference.entity), held.entity(reference.references)
    ours = _types(child, reference.field) if child is not None else None
    if ours is None:
        return ""
    if parent is None:
        return None if reference.references in lost else f"{reference.references} is not there"
    # A view has no key and no records of its own.
    if parent.key and not parent.records:
        return None
    theirs = _types(parent, reference.references_field)
    if theirs is None:
        return f"{reference.references} has no field {reference.references_field} there"
    if not ours or not theirs or ours & theirs or "array" in ours:
        return None
    return f"it holds {'|'.join(sorted(ours))} and the key is {'|'.join(sorted(theirs))}"


def _types(entity: Entity, field: str) -> frozenset[str] | None:
    found = entity.field(field)
    if found is None:
        return None
    words = frozenset(found.native_type.split("|")) - {"null"}
    return words | _NUMBERS if words & _NUMBERS else words
