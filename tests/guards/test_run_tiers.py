"""The program behind `make test` passes only what was run and passed."""

from pathlib import Path

import pytest

from tests import run_tiers

TIER = run_tiers.Tier("planted", 1, ("planted",))


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the test directory of a project that has one tier and no tests."""
    monkeypatch.setattr(run_tiers, "ROOT", tmp_path)
    monkeypatch.setattr(run_tiers, "REPORTS", tmp_path)
    monkeypatch.setattr(run_tiers, "TIERS", (TIER,))
    directory = tmp_path / "tests" / "planted"
    directory.mkdir(parents=True)
    return directory


def test_a_tier_whose_tests_pass_passes_and_names_its_skips(
    planted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A skip hides something, so its reason is shown where nobody can overlook it."""
    (planted / "test_planted.py").write_text(
        "import pytest\n\ndef test_a(): pass\n\n@pytest.mark.skip(reason='no server here')\ndef test_b(): pass\n"
    )

    assert run_tiers.main([]) == 0
    assert "test_b: no server here" in capsys.readouterr().out


@pytest.mark.parametrize("text", [None, "", "def test_a(): assert False\n", "import nothing_of_that_name\n"])
def test_a_tier_that_is_empty_or_fails_is_an_error(planted: Path, text: str | None) -> None:
    """Tests that were lost on the way must not look like tests that passed."""
    if text is not None:
        (planted / "test_planted.py").write_text(text)

    assert run_tiers.main(["planted"]) == 1


def test_a_tier_without_a_directory_is_an_error(planted: Path) -> None:
    """A renamed directory is the quietest way to lose tests."""
    planted.rmdir()

    assert run_tiers.main([]) == 1


def test_a_tier_that_took_too_long_says_so() -> None:
    """The budget is read on every run, so it must be visible when it is gone."""
    late = run_tiers.Outcome(TIER, passed=True, tests=1, skips=(), elapsed_s=61)

    assert "OVER BUDGET" in late.line()


def test_every_test_belongs_to_a_tier() -> None:
    """A test in a directory of no tier would never run."""
    tests = run_tiers.ROOT / "tests"
    tiered = {name for tier in run_tiers.TIERS for name in tier.directories}

    assert {path.relative_to(tests).parts[0] for path in tests.rglob("test_*.py")} <= tiered


def test_an_unknown_tier_is_refused() -> None:
    """A mistyped name must not run nothing and succeed."""
    assert run_tiers.main(["contarct"]) == 2
