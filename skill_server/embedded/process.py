"""What the operating system says about a process: is it there, and what is it running?"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path


def command_line(pid: int) -> str | None:
    """Return the command line of a living process, its arguments joined by spaces; None if there is none."""
    kernel_view = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            arguments = kernel_view.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # A zombie has no arguments left; it holds no file and no port, so it counts as gone.
        return arguments.replace(b"\0", b" ").decode(errors="replace").strip() or None
    listing = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)],  # noqa: S607 - where it lies differs between systems
        capture_output=True,
        text=True,
        check=False,
    )
    return listing.stdout.strip() or None


def runs(pid: int, *words: str) -> bool:
    """Tell whether `pid` lives and its command line holds all `words`.

    A process id may have been given to a stranger since it was written down;
    a command line that names our own directory proves that it was not.
    """
    line = command_line(pid)
    return line is not None and all(word in line for word in words)


def send(pid: int, signal_number: int) -> None:
    """Send a signal; a process that has just gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_number)
