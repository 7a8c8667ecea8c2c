"""The common ground of every value: frozen, closed, and digestible."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

Json = str | int | float | bool | list[Any] | dict[str, Any] | None
JsonObject = dict[str, Any]


class Frozen(BaseModel):
    """A value that never changes and refuses fields it does not know."""

    # Validators are built on first use: listing the tools imports dozens of these and validates none.
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False, defer_build=True)


def canonical(value: object) -> str:
    """Return the one JSON spelling of a value: sorted keys, no white space, plain Unicode."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: object, *, length: int = 32) -> str:
    """Return the first `length` hex digits of the SHA-256 of a value's canonical JSON."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:length]
