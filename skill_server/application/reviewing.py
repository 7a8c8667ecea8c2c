"""Stage review: store the plan, write its document anew, and gather every finding on it."""

from dataclasses import dataclass

from skill_server.application import noting, planning, revisions
from skill_server.application.planning import Proposal
from skill_server.application.session import Session
from skill_server.generate import document
from skill_server.generate.migration import Migration
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.plan import build
from skill_server.review import review
from skill_server.review.squawk import lint_sql


@dataclass(frozen=True)
class Reviewed:
    """A plan with everything a reader should know of it."""

    migration: Migration
    proposal: Proposal
    findings: tuple[Finding, ...]


async def review_revision(session: Session, revision: str) -> Reviewed:
    """Plan a pending revision, write its document, and return the findings of rules, squawk, models and contracts."""
    await session.enter("review", None)
    proposal = await planning.propose_upgrade(session, revision)
    plan = proposal.plan
    migration = revisions.read_graph(session).find(plan.revision or revision)
    document.write_page(migration, plan, session.settings.migrations)
    facts = session.facts
    # A move of values is no SQL: its text is a comment for readers.
    statements = [
        statement.text
        for step in plan.of(BackendKind.POSTGRES)
        for statement in step.forward.statements
        if statement.flow is None
    ]
    findings = (
        *build.problems(planning.request(session, migration), session.snapshots),
        *review(plan, session.snapshots),
        *await noting.notes(session, plan),
        *await lint_sql(statements),
        *(facts.model_findings(plan) or ()),
        *(facts.contract_findings(plan) or ()),
    )
    order = list(Severity)
    return Reviewed(
        migration=migration,
        proposal=proposal,
        findings=tuple(sorted(findings, key=lambda finding: order.index(finding.severity))),
    )
