"""Which URLs are understood, and that they are never shown."""

from __future__ import annotations

import pytest

from skill_server.backends.postgres.connection import Connections
from skill_server.errors import Invalid

SECRET = "p@ss/w:ord"


@pytest.mark.parametrize(
    "scheme",
    ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg", "postgresql+psycopg"],
)
def test_a_url_of_any_driver_leads_to_the_same_place(scheme: str) -> None:
    """Projects write the URL for their own driver."""
    place = Connections(f"{scheme}://ann:p%40ss%2Fw%3Aord@db.example:6000/shop?sslmode=require&charset=utf8")
    found = place.environment()
    assert (found["PGHOST"], found["PGPORT"], found["PGUSER"]) == ("db.example", "6000", "ann")
    assert (found["PGPASSWORD"], found["PGDATABASE"], found["PGSSLMODE"]) == (SECRET, "shop", "require")


def test_a_socket_and_several_hosts_are_understood() -> None:
    """A host may be a folder or a list."""
    assert Connections("postgresql://ann@/shop?host=/run/pg&port=6000").environment()["PGHOST"] == "/run/pg"
    several = Connections("postgresql://ann@one,two:6000/shop").environment()
    assert (several["PGHOST"], several["PGPORT"]) == ("one,two", "5432,6000")


def test_another_database_of_the_server_keeps_everything_else() -> None:
    """Scratch copies live beside the original."""
    other = Connections("postgresql://ann:x@h/shop").at("copy")
    assert (other.database, other.environment()["PGDATABASE"], other.environment()["PGPASSWORD"]) == (
        "copy",
        "copy",
        "x",
    )


def test_a_url_that_was_read_says_the_same_when_written() -> None:
    """A child process gets the URL of a copy, with every character of the password."""
    place = Connections("postgresql://ann:p%40ss%2Fw%3Aord@h:1/shop").at("a b")
    assert Connections(place.url()).environment() == place.environment()


def test_the_password_is_not_in_what_is_printed() -> None:
    """Objects end up in logs and tracebacks."""
    assert SECRET not in repr(Connections("postgresql://ann:p%40ss%2Fw%3Aord@h/shop"))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:s3cret@h/shop",
        "s3cret",
        "postgresql://h/shop?password=s3cret",
        "postgresql://ann:s3cret@h",
        "postgresql://ann:s3cret@h:port/shop",
        "postgresql://ann:s3cret@[h/shop",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    """A guess would lead to another server than the author meant."""
    with pytest.raises(Invalid) as refusal:
        Connections(url)
    assert "s3cret" not in str(refusal.value)
