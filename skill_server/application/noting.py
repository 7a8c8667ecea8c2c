"""Say before anything runs which values a plan will replace: how many, and the keys of the first."""

from skill_server.application.session import Session
from skill_server.model.finding import Finding, Severity
from skill_server.model.plan import Plan


async def notes(session: Session, plan: Plan) -> tuple[Finding, ...]:
    """Ask the questions of a plan that stop nothing, and return the answers that name records."""
    found: list[Finding] = []
    for step in plan.steps:
        for probe in step.forward.notes:
            result = await session.pair[step.backend].probe(probe)
            if result.count:
                found.append(
                    Finding(
                        rule="values-will-be-replaced",
                        severity=Severity.WARNING,
                        backend=step.backend,
                        step=step.id,
                        message=f"{result.count} {probe.message} (first keys: {', '.join(result.keys)}); "
                        "the policy of the change replaces them and keeps them aside",
                        help=probe.help,
                        name=step.entity,
                    )
                )
    return tuple(found)
