"""Put the changes of a migration in an order in which each finds what it needs, and refuse those that contradict."""

from collections.abc import Sequence
from itertools import combinations, permutations

from skill_server.errors import Invalid, Refused
from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.change import Change
from skill_server.model.plan import Phase
from skill_server.plan import uses
from skill_server.plan.uses import Thing, Uses

PHASES = tuple(Phase)
# These do something to an entity as a whole that nobody else foresees.
_WHOLE = actions.MoveEntity | actions.RunRaw
_REPLACING = actions.RetypeField | actions.RetireField | actions.RemoveField | actions.RenameField


def ordered(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return changes so that whatever one makes comes before those that need it, and otherwise as they were listed.

    Names are those that hold after the migration: what it renames is called by its new name in every other change.

    Raises:
        Invalid: two changes act on the same thing (`touched-twice`), one uses what another takes away or the old name
            of what another renames (`uses-what-goes`), or each needs another to come first (`changes-in-a-circle`).
    """
    expanded = [tuple(change.expand()) for change in changes]
    _require_apart(changes, expanded)
    found = [uses.together(each) for each in expanded]
    for one, other in permutations(range(len(changes)), 2):
        _require_no_use_of_what_goes(changes[one], found[one], changes[other], found[other])
    after = {
        one: {
            other for other in range(len(changes)) if other != one and _comes_first(found[other], found[one])
        }
        for one in range(len(changes))
    }
    result: list[int] = []
    while len(result) < len(changes):
        left = [one for one in after if one not in result]
        ready = [one for one in left if after[one] <= set(result)]
        if not ready:
            raise _circle([changes[one] for one in left], [after[one] & set(left) for one in left], left)
        result.append(min(ready, key=lambda one: _turn(found[one], expanded[one])))
    return tuple(changes[one] for one in result)


def require_phases(pieces: Sequence[tuple[Action, Sequence[Phase]]]) -> None:
    """Check that the phases, which part the steps of one database again, keep to the order of the actions.

    Raises:
        Refused: a step would meet a thing that another makes only later, or takes earlier (`phases-out-of-order`).
    """
    placed = [
        (action, uses.of(action), [PHASES.index(phase) for phase in phases])
        for action, phases in pieces
        if phases
    ]
    for (first, made, early), (second, used, late) in combinations(placed, 2):
        unmade = made.makes & (used.needs | used.reads | used.takes) and min(early) > min(late)
        if unmade or (made.reads & used.takes and max(early) > max(late)):
            raise Refused(
                "phases-out-of-order",
                f"{first.kind} of {first.entity} would run in a later phase than {second.kind} of {second.entity}, "
                "which needs it to be done",
                help="Split the changes into migrations that run one after the other.",
            )


def _turn(used: Uses, expanded: Sequence[Action]) -> int:
    """Return when a change has its turn among those that may come next; those of one turn stay as they were listed.

    Renames come first, because everything else tells records by names that hold afterwards. Entities go last, because
    they take the references along that other changes drop.
    """
    if used.renames:
        return 0
    return 2 if any(isinstance(each, actions.RetireEntity) for each in expanded) else 1


def _comes_first(first: Uses, second: Uses) -> bool:
    made = first.makes & (second.needs | second.reads | second.takes)
    return bool(made or (first.reads & second.takes))


def _require_apart(changes: Sequence[Change], expanded: Sequence[tuple[Action, ...]]) -> None:
    claims = [frozenset[Thing]().union(*(each.claims() for each in actions_)) for actions_ in expanded]
    for one, other in combinations(range(len(changes)), 2):
        shared = claims[one] & claims[other]
        shared |= _swallowed(expanded[one], claims[other]) | _swallowed(expanded[other], claims[one])
        shared |= _rewritten(expanded[one], claims[other]) | _rewritten(expanded[other], claims[one])
        if shared:
            raise Invalid(
                "touched-twice",
                f"{_named(min(shared))} is touched 2 times in one migration: by {_told(changes[one])} and by "
                f"{_told(changes[other])}",
                help="Split the changes into migrations that run one after the other.",
            )


def _swallowed(whole: Sequence[Action], claimed: frozenset[Thing]) -> frozenset[Thing]:
    """Return what is claimed of an entity that another change takes as a whole, under the name that goes."""
    names: set[str] = set()
    for action in whole:
        if isinstance(action, _WHOLE):
            names |= {action.entity, *(action.entities if isinstance(action, actions.RunRaw) else ())}
    return frozenset(thing for thing in claimed if thing[1] in names)


def _rewritten(replacing: Sequence[Action], claimed: frozenset[Thing]) -> frozenset[Thing]:
    """Return the fields whose values are claimed by one change while another replaces the field itself."""
    fields = {(action.entity, action.field) for action in replacing if isinstance(action, _REPLACING)}
    return frozenset(thing for thing in claimed if thing[0] == "values" and thing[1:] in fields)


def _require_no_use_of_what_goes(taking: Change, taken: Uses, using: Change, used: Uses) -> None:
    # What is only read may be read before it goes; a rename comes at once, though, before any value is read.
    gone = taken.takes & (used.needs | used.reads if taken.renames else used.needs)
    if gone:
        raise Invalid(
            "uses-what-goes",
            f"{_told(using)} uses {_named(min(gone))}, which is gone after {_told(taking)}",
            help="Use the new name, which holds for all changes of the migration."
            if taken.renames
            else "Leave one of the two changes out, or split them into migrations that run one after the other.",
        )


def _circle(left: Sequence[Change], after: Sequence[set[int]], places: Sequence[int]) -> Invalid:
    by_place = dict(zip(places, left, strict=True))
    one = left[0]
    other = by_place[min(after[0])]
    return Invalid(
        "changes-in-a-circle",
        f"{_told(one)} and {_told(other)} both need the other to come first",
        help="Split the changes into migrations that run one after the other.",
    )


def _named(thing: Thing) -> str:
    kind, entity, name = thing
    return f"the {kind} {name} of {entity}" if name else f"the {kind} {entity}"


def _told(change: Change) -> str:
    said = change.describe()
    return f"{change.kind} ({said if len(said) <= 160 else said[:159] + '…'})"
