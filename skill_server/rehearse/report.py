"""What a rehearsal saw."""

from skill_server.model.base import Frozen
from skill_server.model.ids import BackendKind
from skill_server.rehearse.forecast import Forecast, LockHeld, StepCost


class Act(Frozen):
    """One act of a rehearsal, with how long it took."""

    name: str
    passed: bool
    seconds: float
    problems: tuple[str, ...] = ()


class TestOutcome(Frozen):
    """How the project's own tests ended against the copy of one backend."""

    backend: BackendKind
    passed: bool
    seconds: float
    tail: str


class RehearsalReport(Frozen):
    """All acts; `after` are the fingerprints that the plan leaves, which the live run must reproduce.

    `costs` are those of the first upgrade, `locks` the ones that would have stopped others, the longest first.
    """

    acts: tuple[Act, ...]
    after: dict[BackendKind, str] = {}
    tests: tuple[TestOutcome, ...] = ()
    costs: tuple[StepCost, ...] = ()
    locks: tuple[LockHeld, ...] = ()
    forecast: Forecast | None = None

    @property
    def passed(self) -> bool:
        """Whether every act and every test passed."""
        return (
            bool(self.acts)
            and all(act.passed for act in self.acts)
            and all(test.passed for test in self.tests)
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that went wrong, in order."""
        found = [f"{act.name}: {problem}" for act in self.acts for problem in act.problems]
        found += [f"the project's tests failed on {test.backend}" for test in self.tests if not test.passed]
        return tuple(found)
