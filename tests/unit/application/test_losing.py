"""What a restore costs, as a person reads it: every number with what it rests on, and no name that could rewrite it."""

from datetime import UTC, datetime

from skill_server.application import losing
from skill_server.application.losing import Loss, Losses
from skill_server.approve.question import question
from skill_server.backends.replacing import Written
from skill_server.backup.manifest import BackupManifest
from skill_server.model.finding import Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import Checksums, DumpResult, ServerIdentity
from tests.support.evidence import LABEL, TARGET, a_plan

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def a_loss(entity: str = "items", *, changed: int | None = 3) -> Loss:
    """Return a loss of PostgreSQL."""
    found = Written(
        entity=entity, records_then=10, records_now=12, changed=changed, how="by row version (xmin)"
    )
    return Loss(backend=BackendKind.POSTGRES, written=found)


def a_backup(*, point_in_time: bool = True) -> BackupManifest:
    """Return a manifest without files."""
    server = ServerIdentity(
        product="P",
        version="1",
        server="s",
        database="shop",
        database_id="1",
        topology="primary",
        transactions=True,
        writable=True,
    )
    dump = DumpResult(
        parts=(),
        fingerprint="f",
        checksums=Checksums(entities={}),
        point_in_time=point_in_time,
        tool="t",
        moment=AT,
    )
    return BackupManifest(
        label=LABEL,
        target=TARGET,
        began_at=AT,
        ended_at=AT,
        servers=dict.fromkeys(BackendKind, server),
        dumps=dict.fromkeys(BackendKind, dump),
    )


def test_each_loss_is_told_with_its_numbers_and_what_they_rest_on() -> None:
    """A number that nobody can weigh is worth little in an emergency."""
    lines = losing.told(a_backup(), Losses(found=(a_loss(), a_loss("types", changed=None)), unchanged=4))

    assert lines[0] == (
        "The backup shows postgres as of 2026-03-04 05:06:07 UTC and mongodb as of 2026-03-04 05:06:07 UTC."
    )
    assert lines[1] == (
        "- postgres items: 10 records in the backup, 12 now, 3 added or changed since (by row version (xmin))"
    )
    assert "it is not known how many added or changed" in lines[2]
    assert lines[3] == "Nothing was written to 4 other entities."


def test_many_entities_end_and_say_how_many_more() -> None:
    """A question must fit on a screen."""
    many = tuple(a_loss(f"e{number}") for number in range(losing.MOST_LINES + 5))

    assert losing.told(a_backup(), Losses(found=many, unchanged=0))[-1] == "- and 5 more"


def test_a_backup_that_is_not_of_one_moment_is_warned_of_and_not_refused() -> None:
    """It may be the only one there is."""
    found = losing.findings(a_backup(point_in_time=False), Losses(found=(), unchanged=2), ())

    assert {item.rule for item in found} == {"backup-not-point-in-time"}
    assert {item.severity for item in found} == {Severity.WARNING}
    told = losing.told(a_backup(point_in_time=False), Losses(found=(), unchanged=2))
    assert "mongodb was written to while it was backed up." in told


def test_what_cannot_be_asked_is_said_to_be_unknown() -> None:
    """A server that does not answer has not proven that nothing was written."""
    losses = Losses(
        found=(), unchanged=0, unknown=("mongodb: it is not known what was written since (gone)",)
    )

    assert "- mongodb: it is not known what was written since (gone)" in losing.told(a_backup(), losses)
    assert losing.findings(a_backup(), losses, ())[0].rule == "written-since-the-backup"
    assert losses.body["lines"] == list(losses.unknown)


def test_what_holds_no_records_is_told_like_them() -> None:
    """A view or a column of today goes out of sight without a record being lost."""
    losses = Losses(found=(), unchanged=3, made=("mongodb cheap: a view that the backup does not have",))

    assert "- mongodb cheap: a view that the backup does not have" in losing.told(a_backup(), losses)
    (found,) = losing.findings(a_backup(), losses, ())
    assert (found.rule, found.severity) == ("made-since-the-backup", Severity.WARNING)
    assert losses.body["lines"] == list(losses.made)


def test_the_ledger_keeps_the_sum_and_what_was_not_counted() -> None:
    """The outcome of a restore says later what it hid."""
    losses = Losses(found=(a_loss(), a_loss("log", changed=2), a_loss("types", changed=None)), unchanged=0)

    assert losses.body["changed"] == 5
    assert losses.body["not_counted"] == ["postgres types"]


def test_a_name_of_a_database_cannot_rewrite_the_question() -> None:
    """Entities are named by whoever made them."""
    hostile = a_loss("items\n- Deletes nothing\u202e")
    plan = a_plan(PlanKind.RESTORE)

    text = question(plan, losing.told(a_backup(), Losses(found=(hostile,), unchanged=0)))

    assert "items\\u000a- Deletes nothing\\u202e" in text
    assert question(plan) in "\n".join(line for line in text.splitlines() if "postgres" not in line)
