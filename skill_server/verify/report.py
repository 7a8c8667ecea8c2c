"""What a verification found, check by check."""

from skill_server.model.base import Frozen


class CheckResult(Frozen):
    """The answer of one check: `proven` says how far the answer goes, in words."""

    check: str
    passed: bool
    proven: str
    problems: tuple[str, ...] = ()


class VerificationReport(Frozen):
    """All checks of one verification."""

    depth: str
    checks: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)
