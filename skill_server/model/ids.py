"""Identifiers: what a name may hold, and which names may be given to new things."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from skill_server.errors import Invalid

# PostgreSQL cuts longer identifiers silently (manual, section 4.1.1); MongoDB field names have no such limit.
LONGEST_NAME_BYTES = 63
RETIRED_PREFIX = "_retired_"
LEDGER_NAME = "database_migration"
# Values that a retire, retype or removal keeps: data, so they are in every backup; never part of the schema.
KEPT_NAME = "database_migration_kept"

# The reserved key words of PostgreSQL (manual, appendix C) and of the SQL standard that trip application code even
# though a quoted identifier would be accepted: a new name must work without quotes in every tool.
RESERVED_WORDS = frozenset(
    """all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role current_schema
    current_time current_timestamp current_user default deferrable desc distinct do else end except exists false fetch
    for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral
    leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps
    placing primary references returning right select session_user similar some symmetric system_user table tablesample
    then to trailing true union unique user using variadic verbose when where window with""".split()
)
_NEW_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BackendKind(StrEnum):
    """The two databases of a target."""

    POSTGRES = "postgres"
    MONGODB = "mongodb"


def existing_name(name: str) -> str:
    """Return a name that could exist on both databases; raise ValueError when it could not."""
    if not name or name != name.strip():
        raise ValueError("a name is not empty and does not begin or end with white space")
    if "\x00" in name or "$" in name or "." in name or '"' in name or "'" in name or "`" in name:
        raise ValueError("a name holds no NUL, dollar sign, dot, or quote")
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in name):
        raise ValueError("a name holds no control character")
    try:
        length = len(name.encode())
    except UnicodeEncodeError as error:
        raise ValueError("a name is valid Unicode text") from error
    if length > LONGEST_NAME_BYTES:
        raise ValueError(f"a name is at most {LONGEST_NAME_BYTES} bytes long, this one has {length}")
    return name


def require_new_name(name: str) -> str:
    """Return a name that may be given to something new.

    Raises:
        Invalid: the name is reserved, kept for this product, or would need quotes in application code.
    """
    reason = None
    if not _NEW_NAME.fullmatch(name):
        reason = "has characters other than ASCII letters, digits and underscore, or begins with a digit"
    elif name.lower() in RESERVED_WORDS:
        reason = "is a reserved word of SQL"
    elif name.startswith((RETIRED_PREFIX, LEDGER_NAME)) or name == "_id":
        reason = "is kept for internal use"
    if reason is not None:
        raise Invalid("name-not-allowed", f"the new name {name!r} {reason}", help="Choose another name.")
    return name


Name = Annotated[str, AfterValidator(existing_name), Field(min_length=1, max_length=LONGEST_NAME_BYTES)]
# The schema is short because it is part of every listing of the tools; the validator says what the keys are.
NativeNames = Annotated[dict[BackendKind, Name], WithJsonSchema({"type": "object"})]
Revision = Annotated[str, Field(pattern=r"^[0-9]{8}(_[0-9]{6})?_[a-z0-9_]{1,80}$", max_length=100)]
RevisionOrHead = Annotated[
    str, Field(pattern=r"^(head|[0-9]{8}(_[0-9]{6})?_[a-z0-9_]{1,80})$", max_length=100)
]
PlanId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
BackupLabel = Annotated[str, Field(pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$")]
