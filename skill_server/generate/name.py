"""Revisions: the day, the time where two share a day, and a few words."""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime

from skill_server.errors import Invalid

LONGEST_SLUG = 60


def slug(description: str) -> str:
    """Return a description as lower-case ASCII words joined by underscores; "change" where no such word is left."""
    ascii_only = unicodedata.normalize("NFKD", description[:2000]).encode("ascii", "ignore").decode()
    words = "_".join(re.findall(r"[a-z0-9]+", ascii_only.lower()))
    if len(words) > LONGEST_SLUG:
        cut = words[: LONGEST_SLUG + 1]
        words = cut.rpartition("_")[0] or words[:LONGEST_SLUG]
    return words.strip("_") or "change"


def new_revision(description: str, existing: Collection[str], now: datetime) -> str:
    """Return a revision that nothing in `existing` has; the time of day is added where the day is taken.

    Raises:
        Invalid: the very second and words are taken (`revision-exists`).
    """
    words, day = slug(description), now.strftime("%Y%m%d")
    if not any(revision.startswith(day) for revision in existing):
        return f"{day}_{words}"
    revision = f"{now.strftime('%Y%m%d_%H%M%S')}_{words}"
    if revision in existing:
        raise Invalid(
            "revision-exists",
            f"there is already a migration {revision}",
            help="Describe the migration in other words, or wait a second.",
        )
    return revision
