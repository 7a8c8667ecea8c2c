"""Whatever the library of a destination raises, at whatever moment, ends in an error of this product."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec  # pyright: ignore[reportMissingTypeStubs]
import pytest
from fsspec.exceptions import FSTimeoutError  # pyright: ignore[reportMissingTypeStubs]
from fsspec.implementations.memory import MemoryFileSystem  # pyright: ignore[reportMissingTypeStubs]

from skill_server.backup import shelf
from skill_server.backup.destination import Destination
from skill_server.errors import MigrationError
from tests.unit.backup.samples import LABEL, TARGET, a_backup, a_manifest


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return the folder of the backups, with one in it."""
    place = tmp_path / "backups"
    place.mkdir(mode=0o700)
    a_backup(place, a_manifest())
    return place


class StoreError(Exception):
    """An error as a library of a protocol raises it: of no class that anybody else knows."""


# fsspec has no types.
_Memory: Any = MemoryFileSystem


class Store(_Memory):
    """A destination that works until one of its operations is told to break, in the way that is told."""

    protocol = "breaking"
    breaks: str = ""
    error: Exception = StoreError()


def _watched(operation: str) -> Callable[..., Any]:
    real = getattr(_Memory, operation)

    def call(*given: Any, **options: Any) -> Any:
        if Store.breaks == operation:
            raise Store.error
        return real(*given, **options)

    return call


for _operation in ("__init__", "open", "makedirs", "exists", "ls", "rm"):
    setattr(Store, _operation, _watched(_operation))


@pytest.fixture
def breaking(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a destination that can break."""
    library: Any = fsspec
    library.register_implementation("breaking", Store, clobber=True)
    # An instance that was made before would be taken from its cache, and would not be made anew.
    store: Any = Store
    store.clear_instance_cache()
    yield f"breaking://{tmp_path.name}"
    Store.breaks = ""
    store.clear_instance_cache()


ERRORS = (
    StoreError("https://user:secret-token@host"),
    FSTimeoutError("https://user:secret-token@host"),
    ImportError("secret-token needs a package"),
    AttributeError("secret-token"),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("operation", "act", "code"),
    [
        ("__init__", "open", "destination-not-usable"),
        ("makedirs", "ship", "backup-not-shipped"),
        ("open", "ship", "backup-not-shipped"),
        ("exists", "labels", "destination-not-reachable"),
        ("ls", "labels", "destination-not-reachable"),
        ("exists", "fetch", "destination-not-reachable"),
        ("open", "fetch", "destination-not-reachable"),
        ("rm", "remove", "destination-not-reachable"),
        ("makedirs", "try_out", "destination-not-reachable"),
        ("open", "try_out", "destination-not-reachable"),
        ("rm", "try_out", "destination-not-reachable"),
    ],
)
def test_every_error_of_a_destinations_library_is_told_in_words_without_its_text(
    breaking: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    act: str,
    code: str,
    error: Exception,
) -> None:
    """Each library has errors of its own; one that is not foreseen would end a backup as a crash, or show a token."""
    away = Destination(breaking, TARGET.ledger_id)
    if act != "ship":
        away.ship(here, a_manifest())
    if act == "fetch":
        shelf.remove(here, LABEL)
    monkeypatch.setattr(Store, "breaks", operation)
    monkeypatch.setattr(Store, "error", error)
    store: Any = Store
    store.clear_instance_cache()
    acts: dict[str, Callable[[], object]] = {
        "open": lambda: Destination(breaking, TARGET.ledger_id),
        "ship": lambda: away.ship(here, a_manifest()),
        "labels": away.labels,
        "fetch": lambda: away.fetch(LABEL, a_manifest().digest, here),
        "remove": lambda: away.remove(LABEL),
        "try_out": away.try_out,
    }

    with pytest.raises(MigrationError) as failure:
        acts[act]()

    assert failure.value.code == code
    assert type(error).__name__ in failure.value.message
    assert failure.value.help
    shown = "".join(traceback.format_exception(failure.value))
    assert "secret" not in f"{shown}{failure.value.help}"
    assert act != "fetch" or list(here.iterdir()) == []
