"""Each check speaks of what it knows, names what is wrong, and is silent where it knows nothing."""

from typing import Any

import pytest

from skill_server.backends.base import Defect
from skill_server.backends.pair import Pair
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Checksums, FieldChecksums
from skill_server.model.snapshot import Constraint, Entity, Index, Snapshot
from skill_server.verify.checks import discovered
from skill_server.verify.context import Compared, Context, Depth
from skill_server.verify.parts import parts_of
from skill_server.verify.report import CheckResult
from skill_server.verify.verify import verify

SILENT_WITHOUT_KNOWLEDGE = {name for name, _, _ in discovered()} - {"index_validity"}


def snapshot(kind: BackendKind, *entities: Entity) -> Snapshot:
    """Return a schema of these entities."""
    return Snapshot(backend=kind, entities=entities, fingerprint="now")


def context(*entities: Entity, **known: Any) -> Context:
    """Return a context of two databases with the same entities; no check here asks a database."""
    facts: dict[str, Any] = {"snapshots": {kind: snapshot(kind, *entities) for kind in BackendKind}, **known}
    return Context(pair=Pair({}), **facts)


async def result_of(check: str, known: Context) -> CheckResult | None:
    """Run every check and return the result of one."""
    report = await verify(known, Depth.FULL)
    return next((result for result in report.checks if result.check == check), None)


def a_defect(check: str, **more: Any) -> dict[BackendKind, tuple[Defect, ...]]:
    """Return one defect of PostgreSQL."""
    defect = Defect(check=check, entity="items", field="a", message="are odd", help="Mend them.", **more)
    return {BackendKind.POSTGRES: (defect,), BackendKind.MONGODB: ()}


@pytest.mark.parametrize("check", sorted(SILENT_WITHOUT_KNOWLEDGE))
async def test_a_check_that_knows_nothing_says_nothing(check: str) -> None:
    """A copy has no ledger and no models, and a passed check would claim too much."""
    assert await result_of(check, context()) is None


@pytest.mark.parametrize("check", ["sequence_values", "references", "rule_violations"])
async def test_a_defect_is_told_by_its_check_alone(check: str) -> None:
    """Where, how many, which first, and what to do."""
    known = context(defects=a_defect(check, records=3, keys=("1", "2")))
    report = await verify(known, Depth.FULL)

    assert {result.check: result.problems for result in report.checks if not result.passed} == {
        check: ("postgres items.a: 3 are odd (1, 2, …). Mend them.",)
    }
    assert (await verify(context(defects=a_defect("none")), Depth.FULL)).passed


async def test_what_a_database_was_told_to_bear_is_said_and_not_held_against_it() -> None:
    """A lenient validator is somebody's decision."""
    result = await result_of("rule_violations", context(defects=a_defect("rule_violations", tolerated=True)))

    assert result is not None
    assert result.passed
    assert "postgres items.a: are odd" in result.proven


async def test_a_reference_that_was_not_followed_is_said() -> None:
    """Passing must not claim more than was looked at."""
    result = await result_of("references", context(defects={}, unasked=("items.a, because …",), quiet=False))

    assert result is not None
    assert "not followed: items.a, because …" in result.proven
    assert "while other clients were connected" in result.proven


async def test_a_flaw_is_forgiven_only_if_it_was_there_before() -> None:
    """A migration answers for its own index, not for an old one."""
    entity = Entity(
        name="items",
        native_name="items",
        indexes=(Index(name="half", keys=(), definition="", valid=False),),
        constraints=(Constraint(name="old", kind="check", fields=(), definition="", validated=False),),
    )
    lines = [
        line
        for kind in BackendKind
        for line in (
            f"{kind}: index half of items is invalid",
            f"{kind}: constraint old of items was never validated",
        )
    ]
    result = await result_of("index_validity", context(entity))
    assert result is not None
    assert set(result.problems) == set(lines)

    result = await result_of("index_validity", context(entity, flawed=frozenset(lines[1:])))
    assert result is not None
    assert result.problems == (lines[0],)
    assert lines[1] in result.proven


async def test_a_constraint_that_nobody_enforces_waits_for_no_validation() -> None:
    """A false alarm would stand for ever, because such a constraint cannot be validated."""
    definition = "CHECK ((a > 0)) NOT ENFORCED"
    spoken = Constraint(name="spoken", kind="check", fields=(), definition=definition, validated=False)

    result = await result_of(
        "index_validity", context(Entity(name="items", native_name="items", constraints=(spoken,)))
    )

    assert result is not None
    assert result.passed


@pytest.mark.parametrize("check", ["ledger_and_files", "models_and_schemas"])
async def test_what_was_compared_outside_is_told(check: str) -> None:
    """The rooms that may read files prepare it."""
    where = {"ledger_and_files": "files", "models_and_schemas": "models"}[check]
    good = await result_of(check, context(**{where: Compared("all is well")}))
    bad = await result_of(check, context(**{where: Compared("", ("a file is gone",))}))

    assert good is not None
    assert (good.passed, good.proven) == (True, "all is well")
    assert bad is not None
    assert (bad.passed, bad.problems) == (False, ("a file is gone",))


async def test_a_part_that_differs_from_the_recorded_one_is_named() -> None:
    """The fingerprint says that, this check says which."""
    items = Entity(name="items", native_name="items")
    known = {BackendKind.MONGODB: parts_of(snapshot(BackendKind.MONGODB, items))}

    good = await result_of("schema_parts", context(items, known=known))
    bad = await result_of("schema_parts", context(known=known))

    assert good is not None
    assert good.passed
    assert bad is not None
    assert bad.problems == ("mongodb: the entity items is missing",)


def sums(records: int, field: str = "1") -> dict[BackendKind, Checksums]:
    """Return the same content for both databases."""
    items = FieldChecksums(records=records, fields={"a": field})
    return dict.fromkeys(BackendKind, Checksums(entities={"items": items}))


async def test_an_entity_of_both_that_one_database_lacks_is_named_unless_it_is_meant_or_empty() -> None:
    """MongoDB makes a collection with its first document."""
    items = Entity(name="items", native_name="items")
    apart = {
        BackendKind.POSTGRES: snapshot(BackendKind.POSTGRES, items),
        BackendKind.MONGODB: snapshot(BackendKind.MONGODB),
    }
    both = frozenset({"items"})

    async def problems(**known: Any) -> tuple[str, ...]:
        found = await result_of("paired_entities", context(snapshots=apart, **known))
        assert found is not None
        return found.problems

    assert await problems(two_sided=both) == ("items is in postgres and missing in mongodb",)
    assert await problems(two_sided=both, after=sums(3)) == ("items is in postgres and missing in mongodb",)
    assert await problems(two_sided=both, after=sums(0)) == ()
    assert await problems(two_sided=both, one_sided=both) == ()
    assert await problems(two_sided=frozenset({"other"})) == ()


async def test_what_a_database_runs_by_itself_is_named_beside_the_content_that_it_may_have_written() -> None:
    """A log of all commands grows by the change itself, and nobody would look for it there."""
    noting = snapshot(BackendKind.POSTGRES).model_copy(update={"schema_triggers": ("noting",)})
    snapshots = {BackendKind.POSTGRES: noting, BackendKind.MONGODB: snapshot(BackendKind.MONGODB)}
    after = {**sums(2), BackendKind.POSTGRES: sums(3)[BackendKind.POSTGRES]}
    found = await result_of("untouched_content", context(snapshots=snapshots, before=sums(2), after=after))
    assert found is not None
    assert "noting" in found.problems[0]
    elsewhere = {**sums(2), BackendKind.MONGODB: sums(3)[BackendKind.MONGODB]}
    other = await result_of(
        "untouched_content", context(snapshots=snapshots, before=sums(2), after=elsewhere)
    )
    assert other is not None
    assert "noting" not in "".join(other.problems)


@pytest.mark.parametrize("check", ["untouched_content", "record_counts"])
async def test_content_that_differs_is_held_against_a_change_only_while_nobody_else_wrote(check: str) -> None:
    """With others connected, or since an old backup, a difference proves nothing, and the answer says so."""
    quiet = await result_of(check, context(before=sums(2), after=sums(1, "2")))
    busy = await result_of(check, context(before=sums(2), after=sums(1, "2"), quiet=False))
    old = await result_of(
        check, context(before=sums(2), after=sums(1, "2"), since="those of the newest backup")
    )
    equal = await result_of(check, context(before=sums(2), after=sums(2), since="those of the newest backup"))

    assert quiet is not None
    assert not quiet.passed
    assert busy is not None
    assert busy.passed
    assert "other clients were connected" in busy.proven
    assert old is not None
    assert old.passed
    assert "since" in old.proven
    assert equal is not None
    assert "equal to those of the newest backup, while no other client was connected" in equal.proven
