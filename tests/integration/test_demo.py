"""The demonstration itself, as a newcomer starts it: it checks every act and says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent.parent


@pytest.mark.demo
@pytest.mark.timeout(400)
def test_the_demonstration_ends_as_it_should(tmp_path: Path) -> None:
    """`make demo` is the first thing that anybody runs; it fails when any act does not end as it should."""
    ended = subprocess.run(
        [sys.executable, "-m", "skill_server", "demo", "--items", "60"],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=380,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert "every act ended as it should" in ended.stdout
    assert "identical checksums on both databases" in ended.stdout
