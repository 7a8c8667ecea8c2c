"""What belongs into both databases is in both."""

from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

DEPTH = Depth.FULL


async def paired_entities(context: Context) -> CheckResult | None:
    """Compare which entities both databases have; silent where nobody said which belong into both.

    What is in one database and was promised to no other is told. MongoDB makes an entity with its first record, so one
    that is missing there is told too, as long as the other database holds no record of it.
    """
    if not context.two_sided:
        return None
    problems: list[str] = []
    alone: list[str] = []
    names = {
        kind: {entity.name for entity in snapshot.entities if not entity.name.startswith(KEPT_NAME)}
        for kind, snapshot in context.snapshots.items()
    }
    for kind, other in (
        (BackendKind.POSTGRES, BackendKind.MONGODB),
        (BackendKind.MONGODB, BackendKind.POSTGRES),
    ):
        for entity in sorted(names[kind] - names[other]):
            meant = entity in context.two_sided and entity not in context.one_sided
            if meant and not _empty(context, kind, entity):
                problems.append(f"{entity} is in {kind} and missing in {other}")
            else:
                alone.append(f"{entity} ({kind})")
    both = sorted(names[BackendKind.POSTGRES] & names[BackendKind.MONGODB])
    told = f"; in one database only: {', '.join(alone)}" if alone else ""
    return CheckResult(
        check="paired_entities",
        passed=not problems,
        proven=f"{len(both)} entities are in both databases{told}",
        problems=tuple(problems),
    )


def _empty(context: Context, kind: BackendKind, entity: str) -> bool:
    sums = context.after[kind].entities.get(entity) if context.after else None
    return sums is not None and sums.records == 0
