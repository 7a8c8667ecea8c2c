"""Make one line of migrations that were written side by side."""

from pathlib import Path

from skill_server.application.session import Session
from skill_server.generate import graph
from skill_server.generate.follow import follow
from skill_server.model.base import Frozen


class Moved(Frozen):
    """A migration that follows another one now; the branch that it begins came along."""

    revision: str
    follows: str
    file: Path


def merge_heads(session: Session) -> tuple[Moved, ...]:
    """Put each branch that is not applied behind another until one revision comes last; return what was moved.

    Only `down_revision` of files that are not applied changes; the ledger and the databases stay as they are.

    Raises:
        Invalid: a file cannot be read, or the migrations have gaps. Refused: both branches are applied.
    """
    directory = session.settings.migrations
    applied = [entry.revision for entry in session.history.applied]
    moved: list[Moved] = []
    while (found := graph.joining(graph.read_files(directory), applied)) is not None:
        revision, last = found
        file = directory / f"{revision}.py"
        follow(file, last)
        moved.append(Moved(revision=revision, follows=last, file=file.relative_to(session.settings.root)))
    # A circle beside the line is found here, and told.
    graph.read_folder(directory)
    return tuple(moved)
