"""Benchmarks are found by listing their folder."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.harness.discovery import discovered
from benchmarks.harness.measure import LEAST_RUNS

FILE = """\
from benchmarks.harness.measure import Bar, Benchmark

BENCHMARK = Benchmark(bars=(Bar("{id}", "what", 1, 2),), rivals=None)
"""


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> ModuleType:
    """Write a package with one area and import it under a name of its own."""
    name = f"areas_of_{folder.name.replace('-', '_')}"
    area = folder / name / "start"
    area.mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    (area / "__init__.py").touch()
    for file, measured in files.items():
        (area / f"{file}.py").write_text(FILE.format(id=measured))
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    __import__(name)
    return sys.modules[name]


def test_the_first_measurements_are_found() -> None:
    """A benchmark that is not found fails no run."""
    every = discovered()

    assert {(found.area, bar.id) for found in every for bar in found.benchmark.bars} >= {
        ("start", "tools-list"),
        ("execution", "noop-upgrade"),
        ("backup", "dump-with-checksums"),
        ("backup", "dump-size"),
        ("backup", "dump-alone"),
        ("backup", "dump-floor"),
        ("backup", "proof"),
        ("backup", "space-forecast"),
        ("backup", "memory"),
        ("backup", "memory-growth"),
        ("backup", "ping"),
        ("backup", "ping-growth"),
        ("backup", "mongo-dump"),
        ("backup", "mongo-dump-twice"),
        ("backup", "mongo-restore"),
        ("rehearsal", "rehearsal-copy"),
        ("verification", "checksum-postgres"),
        ("verification", "checksum-mongo"),
    }


def test_every_bar_is_above_its_target() -> None:
    """A limit under the target would fail a run that reached its aim."""
    every = discovered()

    assert all(bar.target <= bar.limit for found in every for bar in found.benchmark.bars)
    assert all(found.benchmark.runs >= LEAST_RUNS for found in every)


def test_a_new_file_needs_no_registration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder is its area and its file its name."""
    found = discovered(package(tmp_path, monkeypatch, first_answer="answer", other="other-id"))

    assert [(item.area, item.name) for item in found] == [("start", "first-answer"), ("start", "other")]
    assert found[0].answers_to("first-answer")
    assert found[0].answers_to("answer")
    assert not found[0].answers_to("other-id")


def test_two_measurements_of_one_id_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of the report looks a ratio up by its id."""
    found = package(tmp_path, monkeypatch, one="same", two="same")

    with pytest.raises(ValueError, match="measured twice: same"):
        discovered(found)
