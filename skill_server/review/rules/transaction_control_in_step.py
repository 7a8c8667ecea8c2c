"""A PostgreSQL statement that is more than one, or that reaches around the transaction and journal it runs in."""

from collections.abc import Iterator, Mapping

from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import TokenError

from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, Step
from skill_server.model.snapshot import Snapshot

# A list of what may begin a statement: what a parser does not know is refused, not waved through.
_MAY_BEGIN = frozenset(
    "SELECT INSERT UPDATE DELETE WITH ALTER CREATE DROP COMMENT GRANT REVOKE REINDEX ANALYZE LOCK REFRESH SET".split()
)
_END = "SEMICOLON"
_MAY_BEGIN_PROBE = frozenset({"SELECT", "WITH"})


def transaction_control_in_step(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Stop every statement, forward and back, that is not exactly one plain statement.

    The tokenizer decides, because sqlglot's parser does not know all of PostgreSQL's DDL; squawk, which does, looks
    at the same statements by itself.
    """
    for step in plan.of(BackendKind.POSTGRES):
        for text, allowed in _statements(step):
            reason = _reason(text, allowed)
            if reason is not None:
                yield Finding(
                    rule="transaction-control-in-step",
                    severity=Severity.ERROR,
                    backend=step.backend,
                    step=step.id,
                    message=f"a statement {reason}, so the step could not be undone or recorded with its transaction",
                    help="Ask for the change in other words; a statement like this is never run.",
                )


def _statements(step: Step) -> Iterator[tuple[str, frozenset[str]]]:
    for way in (step.forward, step.back):
        if way is not None:
            # A flow is no SQL: its text is a comment for readers, and it is journalled batch by batch.
            yield from ((each.text, _MAY_BEGIN) for each in way.statements if each.flow is None)
            yield from ((probe.statement.text, _MAY_BEGIN_PROBE) for probe in (*way.before, *way.after))


def _reason(text: str, allowed: frozenset[str]) -> str | None:
    try:
        tokens = Postgres().tokenize(text)
    except TokenError:
        return "cannot be taken apart into words"
    while tokens and tokens[-1].token_type.name == _END:
        tokens.pop()
    if not tokens:
        return "is empty"
    if any(token.token_type.name == _END for token in tokens):
        return "is more than one"
    first = tokens[0].text.upper()
    if first not in allowed:
        return f"begins with {first[:40]}"
    if first == "SET" and len(tokens) > 1 and tokens[1].text.upper() in {"TRANSACTION", "SESSION", "ROLE"}:
        return f"sets the {tokens[1].text.lower()}"
    return None
