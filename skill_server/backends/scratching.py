"""What both databases promise of scratch databases: copies that this product makes, marks, and alone drops."""

from typing import Protocol


class Scratch(Protocol):
    """The part of a `Backend` that makes and drops scratch databases."""

    async def require_dumpable(self) -> None:
        """Check, before a dump begins, that everything it would hold can be read.

        Raises:
            Refused: something cannot (`permission-missing`), with its name and what to grant.
        """
        ...

    async def require_scratch_possible(self) -> None:
        """Check, before a dump begins, that a scratch database of this name could be made on this server.

        Raises:
            Refused: it could not (`permission-missing`), with what to grant.
        """
        ...

    async def copy_from(self, template: str, *, gently: bool = False) -> None:
        """Create this (scratch) database as a copy of a loaded one that nobody uses; `gently` where others work."""
        ...

    async def keep_as_template(self) -> None:
        """Keep everybody out of this (scratch) database where the server can, so that copies of it stay equal."""
        ...

    async def let_expire(self) -> None:
        """Let the database delete records by time again, as its schema says.

        No scratch database does from when it is made, nor what took the place of another one by `replace_with`, because
        it would not stay equal to what it is compared with. Its schema is described as if it did.
        """
        ...

    async def drop(self) -> None:
        """Drop this database; refused unless it carries the scratch mark."""
        ...

    async def scratch(self) -> list[str]:
        """Name the scratch databases on this server that belong to this product."""
        ...

    async def lookalikes(self) -> list[str]:
        """Name the databases on this server with the name of a scratch database and no mark; they are left alone."""
        ...
