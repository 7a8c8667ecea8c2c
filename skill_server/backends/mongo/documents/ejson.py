"""Extended JSON: the spelling in which BSON values travel through plans, and the one that people read.

Plans keep it as text, because the ledger of the other database may reorder the keys of an object, and in BSON the order
of keys is part of a value. (Extended JSON version 2 is specified in MongoDB's specifications repository.)
"""

from __future__ import annotations

import json
from typing import Any

LONGEST_SHOWN = 2000


def dumps(value: Any) -> str:
    """Return the canonical Extended JSON of a value: every BSON type kept, key order kept."""
    from bson import json_util

    return json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS, separators=(",", ":"))


def loads(text: str) -> Any:
    """Return the value of canonical Extended JSON, in types of the driver that go back as they came."""
    from bson import json_util
    from bson.codec_options import DatetimeConversion

    options = json_util.CANONICAL_JSON_OPTIONS.with_options(
        tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
    )
    return json_util.loads(text, json_options=options)


def loads_to_same(text: str) -> bool:
    """Tell whether a value survives the way to text and back; a query with `$regex` does not, for example."""
    return dumps(loads(text)) == text


def shown(value: Any) -> str:
    """Return relaxed Extended JSON for people, cut where it is very long."""
    from bson import json_util

    text = json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def plain(value: Any) -> Any:
    """Return canonical Extended JSON as objects of JSON, for a snapshot."""
    return json.loads(dumps(value))
