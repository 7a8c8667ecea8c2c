"""Signed approvals: genuine ones hold, and nothing else does (OpenSSH does the checking)."""

import subprocess
from pathlib import Path

import pytest

from skill_server.approve import signature
from skill_server.approve.question import question, shown
from skill_server.errors import Refused
from tests.support.evidence import a_plan


def keypair(folder: Path, name: str, principal: str) -> tuple[Path, str]:
    """Make a throwaway key and its line for a list of allowed signers."""
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key, f"{principal} {key.with_suffix('.pub').read_text()}"


async def test_a_listed_persons_signature_holds(tmp_path: Path) -> None:
    """The signer's name comes from the list, not from the signature."""
    key, line = keypair(tmp_path, "person", "owner@example.org")
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(line)
    content = signature.message(a_plan(), question(a_plan()))
    signed = await signature.sign(key, content)
    assert await signature.verified_signer(content, signed, allowed) == "owner@example.org"


async def test_a_signature_of_another_plan_does_not_hold(tmp_path: Path) -> None:
    """Approve plan A, run plan B."""
    key, line = keypair(tmp_path, "person", "owner@example.org")
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(line)
    signed = await signature.sign(key, signature.message(a_plan(), question(a_plan())))
    other = a_plan(subject="0" * 32)
    content = signature.message(other, question(other))
    assert await signature.verified_signer(content, signed, allowed) is None


async def test_a_stranger_cannot_approve(tmp_path: Path) -> None:
    """An assistant can make keys, but it is not in the list."""
    _, line = keypair(tmp_path, "person", "owner@example.org")
    stranger, _ = keypair(tmp_path, "stranger", "owner@example.org")
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(line)
    content = signature.message(a_plan(), question(a_plan()))
    signed = await signature.sign(stranger, content)
    assert await signature.verified_signer(content, signed, allowed) is None


async def test_without_a_list_no_signature_counts(tmp_path: Path) -> None:
    """The list belongs to the server's owner; without it the gate stays closed."""
    with pytest.raises(Refused, match="no list of people"):
        await signature.verified_signer(b"x", "y", tmp_path / "missing")


def test_text_in_the_question_cannot_rewrite_it() -> None:
    """A name from a database must not hide lines, reverse them, or colour the terminal."""
    hostile = "items\n\x1b[2K\u202egnihton sesol\u200b"
    assert shown(hostile) == "items\\u000a\\u001b[2K\\u202egnihton sesol\\u200b"
    assert len(shown("x" * 1000)) == 160
