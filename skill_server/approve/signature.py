"""Approvals signed with a person's SSH key, checked by OpenSSH itself against a list the server's owner keeps.

Format and commands: PROTOCOL.sshsig of OpenSSH and ssh-keygen(1), options `-Y sign`, `-Y find-principals`, `-Y verify`.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

import anyio

from skill_server.errors import Refused
from skill_server.model.base import canonical
from skill_server.model.plan import Plan

NAMESPACE = "database-migration"
TIMEOUT_S = 30


def message(plan: Plan, question: str) -> bytes:
    """Return the bytes that a person signs: the plan, the target, and the very question that was shown."""
    return canonical(
        {
            "purpose": "approve one database migration plan",
            "plan": plan.id,
            "target": plan.target.model_dump(mode="json"),
            "question": hashlib.sha256(question.encode()).hexdigest(),
        }
    ).encode()


async def sign(key: Path, content: bytes) -> str:
    """Sign with a private key (or the public half of one that an agent holds); ssh-keygen asks for a passphrase itself.

    Raises:
        Refused: ssh-keygen is missing or did not sign.
    """
    with tempfile.TemporaryDirectory(prefix="database-migration-") as folder:
        file = Path(folder) / "message"
        file.write_bytes(content)
        code, _, errors = await _ssh_keygen("-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(file))
        if code != 0:
            raise Refused(
                "signing-failed",
                f"ssh-keygen did not sign: {errors}",
                help="Name a usable SSH key with --key.",
            )
        return file.with_suffix(".sig").read_text()


async def verified_signer(content: bytes, signature: str, allowed_signers: Path | None) -> str | None:
    """Return the person whose key signed, or None where the signature does not hold.

    Raises:
        Refused: the server has no list of allowed signers, or ssh-keygen is missing.
    """
    if allowed_signers is None or not allowed_signers.is_file():
        raise Refused(
            "no-allowed-signers",
            "this server has no list of people who may approve",
            help="Start the server with DATABASE_MIGRATION_ALLOWED_SIGNERS naming an OpenSSH allowed_signers file.",
        )
    with tempfile.TemporaryDirectory(prefix="database-migration-") as folder:
        file = Path(folder) / "signature"
        file.write_text(signature)
        where = ("-f", str(allowed_signers))
        code, found, _ = await _ssh_keygen("-Y", "find-principals", *where, "-s", str(file))
        signer = found.splitlines()[0].strip() if code == 0 and found.strip() else None
        if signer is None:
            return None
        code, _, _ = await _ssh_keygen(
            "-Y", "verify", *where, "-I", signer, "-n", NAMESPACE, "-s", str(file), stdin=content
        )
        return signer if code == 0 else None


async def _ssh_keygen(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise Refused("ssh-keygen-missing", "ssh-keygen is not installed", help="Install the OpenSSH client.")
    with anyio.fail_after(TIMEOUT_S):
        ended = await anyio.run_process([program, *arguments], input=stdin, check=False)
    return (
        ended.returncode,
        ended.stdout.decode(errors="replace"),
        ended.stderr.decode(errors="replace")[:300],
    )
