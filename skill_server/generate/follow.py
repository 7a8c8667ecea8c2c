"""Let the migration of a file follow another revision; nothing else of the file changes."""

import ast
from pathlib import Path

from skill_server.generate.layout import literal
from skill_server.generate.migration import Migration
from skill_server.generate.read import parse, read
from skill_server.generate.write import replace


def follow(path: Path, revision: str) -> Migration:
    """Set `down_revision` of a migration's file, whole or not at all, and return the migration as it is then.

    Raises:
        Invalid: the file cannot be read; see `read`.
        Refused: the folder cannot be written (`migration-not-writable`); the file is as it was.
    """
    migration = read(path)
    content = path.read_bytes()
    place = next(
        node.value
        for node in ast.parse(content).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if node.targets[0].id == "down_revision"
    )
    # Positions are given in lines and in bytes of UTF-8; the line ends stay as they are.
    lines = content.splitlines(keepends=True)
    before = b"".join(lines[: place.lineno - 1]) + lines[place.lineno - 1][: place.col_offset]
    end = place.end_lineno or place.lineno
    after = lines[end - 1][place.end_col_offset :] + b"".join(lines[end:])
    changed = before + literal(revision).encode() + after
    moved = parse(changed, path.name)
    if moved != migration.model_copy(update={"down_revision": revision}):
        raise AssertionError(f"{path.name} would become another migration")
    replace(path, changed.decode())
    return moved
