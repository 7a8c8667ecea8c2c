"""Build plans: an upgrade from changes, a downgrade from the applied plan, a finalize from what was hidden."""

from collections.abc import Callable, Collection, Mapping, Sequence

from skill_server.errors import Invalid, Refused
from skill_server.model.action import Action, RestoreIndex, RetireIndex
from skill_server.model.base import Frozen, JsonObject
from skill_server.model.change import Change
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Phase, Piece, Plan, PlanKind, Step, TargetIdentity
from skill_server.model.snapshot import Entity, Snapshot
from skill_server.plan import along, foresee, order
from skill_server.plan.sharing import require_apart
from skill_server.plan.typed import typed

# (action, schema before it) -> pieces, for one database.
Render = Callable[[Action, Snapshot], tuple[Piece, ...]]
PHASES = tuple(Phase)
BACKENDS = tuple(BackendKind)


class Request(Frozen):
    """What a migration asks for, apart from the schemas it meets."""

    revision: str
    subject: str
    changes: tuple[Change, ...]
    not_applicable: dict[BackendKind, str] = {}
    acknowledged: tuple[str, ...] = ()
    target: TargetIdentity
    policy: JsonObject = {}


def problems(request: Request, snapshots: Mapping[BackendKind, Snapshot]) -> tuple[Finding, ...]:
    """Return what makes the changes impossible on these schemas, taking the changes in an order that fits.

    Raises:
        Invalid: the changes contradict each other, as `order.ordered` says.
    """
    return _met(order.ordered(request.changes), snapshots, request.not_applicable)[0]


def undone(
    changes: Sequence[Change],
    snapshots: Mapping[BackendKind, Snapshot],
    not_applicable: Collection[BackendKind] = (),
) -> tuple[tuple[Finding, ...], dict[BackendKind, Snapshot]]:
    """Return what says that the changes of a downgrade find nothing to undo, and the schemas that they would leave."""
    return _met(changes, snapshots, not_applicable)


def _met(
    changes: Sequence[Change],
    snapshots: Mapping[BackendKind, Snapshot],
    not_applicable: Collection[BackendKind],
) -> tuple[tuple[Finding, ...], dict[BackendKind, Snapshot]]:
    found: list[Finding] = []
    left = dict(snapshots)
    for kind in BACKENDS:
        if kind in not_applicable:
            continue
        for change in changes:
            found += [item.model_copy(update={"backend": kind}) for item in change.problems(left[kind])]
            for action in _named_on(kind, list(change.expand())):
                left[kind] = foresee.after(left[kind], action)
    return tuple(found), left


def upgrade(
    request: Request, snapshots: Mapping[BackendKind, Snapshot], renders: Mapping[BackendKind, Render]
) -> Plan:
    """Plan an upgrade for both databases.

    Raises:
        Invalid: a change does not fit the schema (`change-does-not-fit`), two share a definition, or they contradict
            each other as `order.ordered` says.
        Refused: a backend cannot carry an action out safely, or only in phases that do not fit (`phases-out-of-order`).
    """
    errors = [item for item in problems(request, snapshots) if item.severity is Severity.ERROR]
    if errors:
        raise Invalid(
            "change-does-not-fit",
            "; ".join(f"{item.backend}: {item.message}" for item in errors[:5]),
            help=errors[0].help,
            next_tool="inspect_schema",
            detail={"findings": [item.model_dump(mode="json") for item in errors]},
        )
    actions = [action for change in order.ordered(request.changes) for action in change.expand()]
    require_apart(actions, snapshots)
    return _assembled(PlanKind.UPGRADE, request, actions, snapshots, renders)


def finalize(
    request: Request, snapshots: Mapping[BackendKind, Snapshot], renders: Mapping[BackendKind, Render]
) -> Plan:
    """Plan the deletion of everything the migration's changes only hid.

    Raises:
        Refused: the migration hid nothing (`nothing-to-finalize`).
    """
    actions = [action for change in request.changes for action in change.finalize()]
    if not actions:
        raise Refused(
            "nothing-to-finalize",
            f"revision {request.revision} retired nothing, so there is nothing to delete",
            help="Leave it as it is.",
        )
    return _assembled(PlanKind.FINALIZE, request, actions, snapshots, renders)


def downgrade(applied: Plan, *, source: Mapping[BackendKind, str], policy: JsonObject) -> Plan:
    """Plan the way back of an applied upgrade: its steps reversed, bound to the schemas as they are now.

    Raises:
        Refused: a step has no way back (`no-way-back`).
    """
    for step in applied.steps:
        if step.back is None:
            raise Refused(
                "no-way-back",
                f"step {step.id} ({step.forward.summary}) cannot be undone",
                help="Restore the backup instead.",
                next_tool="restore_backup",
            )
    return applied.model_copy(
        update={
            "kind": PlanKind.DOWNGRADE,
            "source": dict(source),
            "steps": tuple(step.reversed() for step in reversed(applied.steps)),
            "policy": policy,
            "retired_names": (),
        }
    )


def restore(*, label: str, subject: str, target: TargetIdentity, source: Mapping[BackendKind, str]) -> Plan:
    """Plan putting a backup back: no steps of its own, bound to the backup and to the schemas it will replace."""
    return Plan(
        kind=PlanKind.RESTORE,
        revision=None,
        subject=subject,
        target=target,
        source=dict(source),
        steps=(),
        backup_label=label,
    )


def schema_after(plan: Plan, snapshot: Snapshot) -> Snapshot:
    """Return a schema as a plan will leave it: foreseen for an upgrade, remembered for a downgrade."""
    if plan.kind is PlanKind.DOWNGRADE:
        old = {entity.name: entity for entity in plan.before}
        made = {name for step in plan.steps for name in foresee.made(step.action)}
        others = [item for item in snapshot.entities if item.name not in old.keys() | made]
        return snapshot.model_copy(update={"entities": (*others, *old.values())})
    seen: list[Action] = []
    for step in plan.of(BackendKind.POSTGRES):
        if step.action not in seen:
            seen.append(step.action)
            snapshot = foresee.after(snapshot, step.action)
    return snapshot


def _assembled(
    kind: PlanKind,
    request: Request,
    actions: Sequence[Action],
    snapshots: Mapping[BackendKind, Snapshot],
    renders: Mapping[BackendKind, Render],
) -> Plan:
    actions = typed(actions, snapshots)
    drafts: list[tuple[Action, BackendKind, Piece]] = []
    for backend in BACKENDS:
        if backend not in request.not_applicable:
            rendered = _rendered(_named_on(backend, actions), snapshots[backend], renders[backend])
            order.require_phases(
                [
                    (action, [piece.phase for piece in pieces if piece.up.statements])
                    for action, pieces in rendered
                ]
            )
            drafts += [(action, backend, piece) for action, pieces in rendered for piece in pieces]
    drafts.sort(key=lambda draft: (PHASES.index(draft[2].phase), BACKENDS.index(draft[1])))
    counts = dict.fromkeys(BACKENDS, 0)
    steps: list[Step] = []
    for action, backend, piece in drafts:
        counts[backend] += 1
        steps.append(
            Step(
                id=f"{backend}-{counts[backend]:02d}",
                backend=backend,
                entity=action.entity,
                action=action,
                phase=piece.phase,
                forward=piece.up,
                back=piece.down,
            )
        )
    return Plan(
        kind=kind,
        revision=request.revision,
        subject=request.subject,
        target=request.target,
        source={backend: snapshots[backend].fingerprint for backend in BACKENDS},
        steps=tuple(steps),
        not_applicable=request.not_applicable,
        acknowledged=request.acknowledged,
        retired_names=tuple(sorted({name for change in request.changes for name in change.retired_names()})),
        touched=tuple(sorted(_touched(actions, snapshots))),
        before=_before(actions, snapshots[BackendKind.POSTGRES]),
        policy=request.policy,
    )


def _named_on(backend: BackendKind, actions: Sequence[Action]) -> list[Action]:
    """Return the actions with the names of existing indexes that one database uses."""
    return [
        action.on(backend) if isinstance(action, RetireIndex | RestoreIndex) else action for action in actions
    ]


def _rendered(
    actions: Sequence[Action], snapshot: Snapshot, render: Render
) -> list[tuple[Action, tuple[Piece, ...]]]:
    """Return what one database makes of each action, given the schema that those before it leave."""
    found: list[tuple[Action, tuple[Piece, ...]]] = []
    for action in actions:
        found.append((action, render(action, snapshot)))
        snapshot = foresee.after(snapshot, action)
    return found


def _before(actions: Sequence[Action], snapshot: Snapshot) -> tuple[Entity, ...]:
    """Return the entities that the actions touch, without the estimates that change from day to day."""
    names = along.entities(actions, snapshot)
    return tuple(
        entity.model_copy(update={"records": 0, "size_bytes": 0})
        for entity in snapshot.entities
        if entity.name in names
    )


def _touched(actions: Sequence[Action], snapshots: Mapping[BackendKind, Snapshot]) -> set[str]:
    """Return what the actions change on any database, see `along.touched`."""
    return {name for snapshot in snapshots.values() for name in along.touched(actions, snapshot)}
