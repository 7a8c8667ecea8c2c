"""Statements that an author wrote: each exactly one, and none that reaches around its transaction or this database."""

from itertools import pairwise
from typing import NamedTuple

from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import TokenError

from skill_server.backends.postgres.identifiers import SCHEMA, quoted
from skill_server.backends.postgres.render.expression import REACHING
from skill_server.errors import Refused
from skill_server.model.action import RunRaw
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import LEDGER_NAME
from skill_server.model.plan import Phase, Piece, Statement, Way

# A list of what may begin a statement: what is not known is refused, not waved through. DO and CALL run code that may
# commit, COPY reaches the server's files and programs, SET outlasts the step.
_MAY_BEGIN = frozenset(
    "SELECT INSERT UPDATE DELETE WITH ALTER CREATE DROP COMMENT GRANT REVOKE REFRESH ANALYZE".split()
)
# What lies outside of this database, where no backup of ours holds it.
_OUTSIDE = frozenset("DATABASE TABLESPACE SYSTEM ROLE USER GROUP SUBSCRIPTION SERVER".split())
# Code that runs whenever somebody calls it: its body is text, and text is not taken apart here.
_CODE = frozenset("FUNCTION PROCEDURE ROUTINE LANGUAGE EVENT".split())
_DELETING = frozenset({"DELETE", "DROP", "UPDATE"})
_LONGEST = 100_000
_QUOTED = frozenset({"IDENTIFIER", "STRING", "HEREDOC_STRING", "NATIONAL_STRING", "BYTE_STRING"})


# Authors write names as their application does; every other step names the schema of everything.
_PUBLIC = Statement(text=f"SET LOCAL search_path TO {quoted(SCHEMA)}")
_PINNED = Statement(text="SET LOCAL search_path TO DEFAULT")


class _Token(NamedTuple):
    text: str
    kind: str

    @property
    def is_word(self) -> bool:
        """Say whether it is no quoted name and no literal."""
        return self.kind not in _QUOTED


def run_raw(action: RunRaw) -> tuple[Piece, ...]:
    """Run the statements in the transaction of the contract phase; the undoing ones are the way back.

    Raises:
        Refused: a text is not one statement that can be run and undone with its transaction (`statement-not-allowed`).
    """
    return (
        Piece(
            phase=Phase.CONTRACT,
            up=_way(action.postgres, "PostgreSQL"),
            down=_way(action.undo_postgres, "undoing PostgreSQL"),
        ),
    )


def _way(texts: tuple[str, ...], what: str) -> Way:
    if not texts:
        return Way(summary=f"nothing: the migration gives no statement for {what}", statements=())
    tokens = [_checked(text) for text in texts]
    deletes = any(token.text.upper() in _DELETING for each in tokens for token in each if token.is_word)
    # What a statement locks is not known, so the strongest lock is named.
    return Way(
        summary=f"run {len(texts)} statement{'s' if len(texts) > 1 else ''} that the migration gives for {what}",
        statements=(
            _PUBLIC,
            *(Statement(text=_trimmed(text), lock=Lock.ACCESS_EXCLUSIVE) for text in texts),
            _PINNED,
        ),
        hazards=(
            Hazard.BREAKS_OLD_CODE,
            Hazard.BLOCKS_READS,
            Hazard.SCANS,
            *((Hazard.DELETES_DATA,) if deletes else ()),
        ),
    )


def _checked(text: str) -> list[_Token]:
    if (reason := _reason(text)) is not None:
        raise Refused(
            "statement-not-allowed",
            f"a raw statement {reason}: {' '.join(text.split())[:80]!r}",
            help="Write each statement by itself; use a change of the catalogue for what is refused here.",
        )
    return _tokens(text)


def _trimmed(text: str) -> str:
    return text.strip().rstrip(";")


def _tokens(text: str) -> list[_Token]:
    return [_Token(token.text, token.token_type.name) for token in Postgres().tokenize(text)]


def _reason(text: str) -> str | None:
    if len(text) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    try:
        tokens = _tokens(text)
    except TokenError:
        return "cannot be taken apart into words"
    while tokens and tokens[-1].kind == "SEMICOLON":
        tokens.pop()
    if not tokens:
        return "is empty"
    if any(token.kind == "SEMICOLON" for token in tokens):
        return "is more than one"
    words = [token.text.upper() for token in tokens if token.is_word]
    first = words[0] if words and tokens[0].is_word else tokens[0].text[:20]
    if first not in _MAY_BEGIN:
        return f"begins with {first[:20]}, which is not run here"
    # Also in the text of a function, which may be run later.
    if LEDGER_NAME in text.lower():
        return f"names {LEDGER_NAME}, which is kept for internal use"
    if "CONCURRENTLY" in words:
        return "cannot run in a transaction (CONCURRENTLY)"
    if first in {"CREATE", "ALTER", "DROP"} and _OUTSIDE.intersection(words[1:2]):
        return f"reaches outside of this database ({' '.join(words[:2])})"
    if first in {"CREATE", "ALTER"} and _CODE.intersection(words[1:4]):
        return "makes or changes code whose body cannot be looked into"
    if first in {"GRANT", "REVOKE"} and ("ON" not in words or _OUTSIDE.intersection(words)):
        return "grants a role or what lies outside of this database"
    called = {token.text.lower() for token, after in pairwise(tokens) if after.kind == "L_PAREN"}
    if found := sorted(called & REACHING):
        return f"calls {found[0]}, which reaches beyond the step"
    return None
