"""Every defined conversion on a real server, with the values that break careless casts."""

from __future__ import annotations

import itertools

import pytest

from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.literals import text_literal
from skill_server.backends.postgres.render.conversions import conversion
from skill_server.backends.postgres.schema import types
from skill_server.model.logical import Fidelity, fidelity, parse

_TEXTS = (
    "", " ", "0", "1", " 7 ", "+7", "-0", "00012", "1.5", ".5", "5.", "1e3", "1e400", "1e-400", "1e999999", "0x1f",
    "1_000", "2147483647", "2147483648", "-2147483648", "9223372036854775807", "9223372036854775808", "12.345",
    "99999999.99", "100000000", "NaN", "Infinity", "-inf", "true", "F", " yes ", "on", "2", "maybe", "2026-02-28",
    "2024-02-29", "2026-02-29", "2026-02-30", "2026-13-01", "0000-01-01", "0001-01-01", "9999-12-31", "26-1-1",
    "2026-02-28 10:11", "2026-02-28T10:11:12.123456", "2026-02-28T24:00:00", "2026-02-28T10:11:60",
    "2026-02-28T10:11:12Z", "2026-02-28T10:11:12+05:30", "infinity", "today", "epoch",
    "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "zzz", "it's", "\\", "1\n", "é☃",
)  # fmt: skip
_NUMBERS = ("0", "1", "-1", "2", "0.4", "0.5", "2147483647.4", "2147483648", "-9223372036854775808")
_DOUBLES = (
    *_NUMBERS,
    "NaN",
    "Infinity",
    "-Infinity",
    "1e300",
    "1e-300",
    "0.1",
    "9223372036854775807",
    "123456.789",
)
_MOMENTS = ("0001-01-01", "2026-03-29 01:30:00.123456", "9999-12-31 23:59:59.999999", "infinity", "-infinity")
VALUES: dict[str, tuple[str, ...]] = {
    "Text": _TEXTS,
    "String(60)": _TEXTS,
    "Integer": ("0", "1", "-1", "2", "2147483647", "-2147483648"),
    "BigInteger": ("0", "1", "2", "2147483648", "9223372036854775807", "-9223372036854775808"),
    "Float": _DOUBLES,
    "Decimal(30,4)": (*_NUMBERS, "NaN", "9223372036854775807.5", "12345678901234567890.1234"),
    "Decimal(6,2)": ("0", "9999.99", "-9999.99", "0.005", "1.5"),
    "Boolean": ("true", "false"),
    "Date": _MOMENTS,
    "DateTime": _MOMENTS,
    "DateTime(tz)": _MOMENTS,
    "Json": ("null", "1", '"a"', '{"b": [1, 2]}'),
    "Uuid": ("00000000-0000-0000-0000-000000000000",),
    "Binary": ("\\x00ff",),
}
_DEFINED = [
    (was, to)
    for was, to in itertools.permutations([*VALUES, "String(4)"], 2)
    if was in VALUES and conversion(parse(was), parse(to)) is not None
]


@pytest.mark.parametrize(("was", "to"), _DEFINED)
async def test_a_value_either_converts_or_is_found_beforehand(
    postgres_database: str, was: str, to: str
) -> None:
    """No value may stop a migration half-way, and what comes back from a lossless conversion is the same."""
    way, back = conversion(parse(was), parse(to)), conversion(parse(to), parse(was))
    assert way is not None
    native, target = types.native(parse(was)), types.native(parse(to))
    settings = {"search_path": "public"}
    async with Connections(postgres_database).session(purpose="test", settings=settings) as connection:
        await connection.execute(
            f"CREATE TABLE t (id serial PRIMARY KEY, old {native}, new {target}, again {native})"
        )
        for value in VALUES[was]:
            await connection.execute(f"INSERT INTO t (old) VALUES ({text_literal(value)}::{native})")
        unfit = way.unfit("t.old") if way.unfit else "false"
        assert await connection.fetchval(f"SELECT count(*) FROM t WHERE ({unfit}) IS NULL") == 0
        await connection.execute(f"UPDATE t SET new = {way.value('old')} WHERE NOT ({unfit})")
        assert await connection.fetchval(f"SELECT count(*) FROM t WHERE new IS NULL AND NOT ({unfit})") == 0
        if fidelity(parse(was), parse(to)) is Fidelity.LOSSLESS:
            assert await connection.fetchval(f"SELECT count(*) FROM t WHERE {unfit}") == 0
        if back is not None and fidelity(parse(was), parse(to)) is Fidelity.LOSSLESS:
            unfit_back = back.unfit("t.new") if back.unfit else "false"
            await connection.execute(f"UPDATE t SET again = {back.value('new')} WHERE NOT ({unfit_back})")
            differing = f"FROM t WHERE again::text <> old::text AND NOT ({unfit_back})"
            assert await connection.fetchval(f"SELECT string_agg(old::text, ' ') {differing}") is None
