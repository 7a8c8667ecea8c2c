"""Run the test tiers one after another and hold each against its time budget.

Usage: python tests/run_tiers.py [tier ...]. Without arguments every tier runs. The exit status is 0 only when
every tier found tests and all of them passed; an exceeded budget is reported, because it says as much about the
machine as about the tests.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "tests"


@dataclass(frozen=True)
class Tier:
    """A set of test directories with the minutes it may take on two cores, and how many processes share it."""

    name: str
    budget_min: int
    directories: tuple[str, ...]
    processes: int = 2
    only: str = ""


TIERS = (
    Tier("unit", 1, ("unit", "golden", "guards"), processes=1),
    Tier("contract", 6, ("contract",)),
    Tier("integration", 9, ("integration", "lifecycle", "workflow")),
    Tier("property", 5, ("property", "faults")),
)
# Run by name alone: what may differ from one version of PostgreSQL to another.
ANOTHER_POSTGRES = Tier("another-postgres", 6, ("contract", "lifecycle"), only="not mongo")


@dataclass(frozen=True)
class Outcome:
    """What one tier did: its tests, its skips with their reasons, and whether it passed."""

    tier: Tier
    passed: bool
    tests: int
    skips: tuple[str, ...]
    elapsed_s: float

    def line(self) -> str:
        """Return the summary line of the tier."""
        state = "passed" if self.passed else "FAILED"
        if self.tests == 0:
            state = "FAILED (no tests)"
        late = "  OVER BUDGET" if self.elapsed_s > self.tier.budget_min * 60 else ""
        return (
            f"{self.tier.name:<12} {self.tests:>5} tests {len(self.skips):>4} skipped "
            f"{self.elapsed_s:>7.1f} s of {self.tier.budget_min * 60:>3} s  {state}{late}"
        )


def read_report(report: Path) -> tuple[int, tuple[str, ...]]:
    """Return how many tests a JUnit report holds, and each skip with its reason."""
    if not report.exists():
        return 0, ()
    # The report was written by the pytest that this program started a moment ago.
    cases = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314
    skips = [
        f"{case.get('classname')}::{case.get('name')}: {skip.get('message')}"
        for case in cases
        for skip in case.iter("skipped")
    ]
    return len(cases), tuple(skips)


def run(tier: Tier) -> Outcome:
    """Run one tier in a process of its own and return what it did."""
    report = REPORTS / f"{tier.name}.xml"
    report.unlink(missing_ok=True)
    paths = [f"tests/{name}" for name in tier.directories if (ROOT / "tests" / name).is_dir()]
    print(f"\n=== {tier.name}: {' '.join(paths) or 'no directories'}", flush=True)
    began = time.monotonic()
    # Without a path pytest would collect every tier, so a tier whose directories are missing never starts it.
    passed = bool(paths) and (
        subprocess.run(
            [sys.executable, "-m", "pytest", f"--junitxml={report}", *_shared(tier), *paths],
            cwd=ROOT,
            check=False,
        ).returncode
        == 0
    )
    tests, skips = read_report(report)
    return Outcome(tier, passed and tests > 0, tests, skips, time.monotonic() - began)


def _shared(tier: Tier) -> list[str]:
    """Return the options that share a tier between processes; each starts servers of its own."""
    shared = [f"--numprocesses={tier.processes}", "--dist=loadfile", "--quiet"] if tier.processes > 1 else []
    return [*shared, *(["-k", tier.only] if tier.only else [])]


def main(names: list[str]) -> int:
    """Run the named tiers, or all of them, and return the exit status."""
    known = (*TIERS, ANOTHER_POSTGRES)
    if unknown := sorted(set(names) - {tier.name for tier in known}):
        print(f"unknown tier: {', '.join(unknown)}", file=sys.stderr)
        return 2
    REPORTS.mkdir(parents=True, exist_ok=True)
    outcomes = [run(tier) for tier in known if tier.name in (names or {tier.name for tier in TIERS})]
    skips = [skip for outcome in outcomes for skip in outcome.skips]
    print("\n=== tiers")
    for outcome in outcomes:
        print(outcome.line())
    print(f"\n=== skipped: {len(skips)}")
    for skip in skips:
        print(skip)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
