"""What may stop the seeding."""


class DatabaseNotEmptyError(RuntimeError):
    """A database holds an entity of the application already; nothing was written to it."""

    def __init__(self, kind: str, found: list[str]) -> None:
        names = ", ".join(sorted(found))
        super().__init__(f"the {kind} database already holds {names}; name an empty database")
