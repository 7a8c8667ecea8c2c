"""Encrypted backups and the `age` program: a person opens them without this product."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from skill_server.backup import keys

# More than one of age's pieces, and not a whole number of them.
CONTENT = os.urandom(300_007)


@pytest.fixture(scope="module")
def age() -> str:
    """Return the program, which only a developer's machine may lack."""
    found = shutil.which("age")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("the program age is not installed")
        pytest.skip("the program age is not installed")
    return found


def test_what_was_encrypted_here_opens_there(tmp_path: Path, age: str) -> None:
    """Whoever has the key file needs nothing else of ours."""
    key = tmp_path / "key"
    keys.create(key)
    stored = tmp_path / "postgres.dump.zst"
    with stored.open("wb") as file, keys.seal(key).writing(file) as stream:
        stream.write(CONTENT)

    opened = subprocess.run([age, "-d", "-i", key, stored], check=True, capture_output=True)

    assert CONTENT not in stored.read_bytes()
    assert opened.stdout == CONTENT


def test_what_was_encrypted_there_opens_here(tmp_path: Path, age: str) -> None:
    """The format is that of age in both directions, also for a key that a person made with age's own program."""
    key, stored = tmp_path / "key", tmp_path / "stored"
    made = subprocess.run([f"{age}-keygen"], check=True, capture_output=True, text=True).stdout
    key.touch(mode=0o600)
    key.write_text(made, "ascii")
    public = made.partition("# public key: ")[2].splitlines()[0]
    subprocess.run([age, "-r", public, "-o", stored], check=True, input=CONTENT)

    with stored.open("rb") as file, keys.seal(key).reading(file) as stream:
        assert stream.read() == CONTENT
