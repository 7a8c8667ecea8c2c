"""Expressions that an author wrote: each exactly one, over the columns of its row, and none that reaches further."""

from collections.abc import Iterable
from itertools import pairwise

from sqlglot import exp, parse_one
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError

from skill_server.errors import Invalid
from skill_server.model.action import UpdateValues
from skill_server.model.flow import Expressions

# Functions that change the session, other sessions, files or other servers.
REACHING = frozenset(
    """set_config dblink dblink_exec dblink_connect lo_import lo_export pg_read_file pg_read_binary_file pg_ls_dir
    pg_stat_file pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile pg_advisory_unlock
    pg_advisory_unlock_all pg_promote pg_switch_wal query_to_xml database_to_xml schema_to_xml cursor_to_xml""".split()
)
_LONGEST = 2000


def objection(text: str) -> str | None:
    """Say why a text is not one plain SQL expression, or None where it is one."""
    if len(text) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    try:
        tokens = Postgres().tokenize(text)
        parsed = parse_one(f"SELECT ({text}\n)", read="postgres")
    except SqlglotError:
        return "cannot be read"
    if any(token.token_type.name == "SEMICOLON" or token.comments for token in tokens):
        return "holds a semicolon or a comment"
    # What would close the bracket and go on shows up as more than one bracketed expression.
    inside = parsed.expressions
    if not isinstance(parsed, exp.Select) or len(inside) != 1 or not isinstance(inside[0], exp.Paren):
        return "is not one expression"
    if any(parsed.args.get(part) for part in ("from_", "from", "where", "joins", "group", "order", "limit")):
        return "is not one expression"
    if any(item is not parsed for item in parsed.find_all(exp.Query)):
        return "holds a query"
    names = [(token.text.lower(), after.token_type.name) for token, after in pairwise(tokens)]
    if found := sorted({name for name, after in names if after == "L_PAREN"} & REACHING):
        return f"calls {found[0]}, which reaches beyond its row"
    return None


def require_plain(action: UpdateValues) -> None:
    """Refuse expressions of an update that are not plain ones.

    Raises:
        Invalid: `expression-not-allowed`.
    """
    for text in _written(action):
        if (reason := objection(text)) is not None:
            raise Invalid(
                "expression-not-allowed",
                f"the SQL expression {' '.join(text.split())[:80]!r} {reason}",
                help="Write one expression over columns of the table, without queries, comments or semicolons.",
            )


def _written(action: UpdateValues) -> Iterable[str]:
    for assignment in (action.forward, action.backward):
        if assignment is not None and isinstance(assignment.formula, Expressions):
            yield from assignment.formula.postgres.values()
