"""Names that go are found wherever code still uses them, and what was not searched is said."""

import unicodedata
from pathlib import Path

import pytest

from skill_server.model.finding import Finding, Severity
from skill_server.project import contract


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return an empty project."""
    root = tmp_path / "project"
    (root / "app").mkdir(parents=True)
    return root


def search(project: Path, *names: str) -> list[Finding]:
    """Search the code of a project."""
    return list(
        contract.names_in_use(names, [project / "app"], project, migrations=project / "app" / "migrations")
    )


def places(findings: list[Finding]) -> list[tuple[str | None, int | None, str | None]]:
    """Return file, line and name of findings."""
    return [(finding.file, finding.line, finding.name) for finding in findings]


@pytest.mark.parametrize(
    "name",
    ["a.py", "a.html", "a.jinja", "a.sql", "a.js", "a.ts", "a.json", "a.yaml", "a.yml", "a.graphql", "A.PY"],
)
def test_a_name_is_found_in_every_language_of_a_project(project: Path, name: str) -> None:
    """Serializers, templates and clients all break when a name goes."""
    (project / "app" / name).write_text('first\nx = "ItemDesc"\n')

    findings = search(project, "ItemDesc")

    assert places(findings) == [(f"app/{name}", 2, "ItemDesc")]
    assert findings[0].severity is Severity.ERROR
    assert 'op.acknowledge("ItemDesc"' in findings[0].help


def test_only_whole_words_count(project: Path) -> None:
    """Part of a longer word is another name."""
    (project / "app" / "a.py").write_text(
        "ItemDescription = MyItemDesc = ItemDesc_2 = itemdesc = 0\nx.ItemDesc\n"
    )

    assert places(search(project, "ItemDesc")) == [("app/a.py", 2, "ItemDesc")]


def test_several_names_on_a_line_are_each_reported_once(project: Path) -> None:
    """Each must be resolved or acknowledged by itself."""
    (project / "app" / "a.py").write_text("a = b.Item + b.ItemDesc + b.ItemDesc\n")

    assert {finding.name for finding in search(project, "Item", "ItemDesc")} == {"Item", "ItemDesc"}
    assert len(search(project, "Item", "ItemDesc")) == 2


def test_names_in_any_script_are_found_composed_or_not(project: Path) -> None:
    """Editors store the same letters in two ways."""
    decomposed = unicodedata.normalize("NFD", "größe = 項目; größe2\n").encode()
    (project / "app" / "a.py").write_bytes(decomposed + b"\xff\xfe")

    assert [finding.name for finding in search(project, "größe", "項目")] == ["größe", "項目"]


def test_characters_with_a_meaning_in_patterns_are_only_characters(project: Path) -> None:
    """A name is data."""
    (project / "app" / "a.py").write_text("aXb\na+b\n")

    assert places(search(project, "a+b")) == [("app/a.py", 2, "a+b")]


def test_migrations_and_other_peoples_code_are_left_out(project: Path) -> None:
    """Migrations name what goes by their nature."""
    for folder in ("migrations", "node_modules", ".venv", ".git"):
        (project / "app" / folder).mkdir()
        (project / "app" / folder / "a.py").write_text("ItemDesc")
    (project / "app" / "a.txt").write_text("ItemDesc")

    assert search(project, "ItemDesc") == []


def test_links_out_of_the_project_are_not_followed(project: Path, tmp_path: Path) -> None:
    """A finding quotes file names, and what lies outside is none of this project's."""
    (tmp_path / "outside.py").write_text("ItemDesc")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.py").write_text("ItemDesc")
    (project / "app" / "link.py").symlink_to(tmp_path / "outside.py")
    (project / "app" / "linked").symlink_to(tmp_path / "folder")
    (project / "app" / "dead.py").symlink_to(tmp_path / "missing.py")
    (project / "app" / "circle").symlink_to(project / "app")
    (project / "app" / "real.py").write_text("ItemDesc")
    (project / "app" / "inside.py").symlink_to(project / "app" / "real.py")

    assert [finding.file for finding in search(project, "ItemDesc")] == ["app/real.py"]


def test_what_was_not_searched_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence must mean that the name is not used."""
    monkeypatch.setattr(contract, "LARGEST_BYTES", 100)
    (project / "app" / "big.json").write_text("ItemDesc" * 100)

    missing = contract.names_in_use(["ItemDesc"], [project / "no"], project)

    assert [finding.rule for finding in search(project, "ItemDesc")] == ["file-not-searched"]
    assert [finding.rule for finding in missing] == ["code-path-missing"]


def test_findings_are_capped_and_the_cap_is_said(project: Path) -> None:
    """A name that is used everywhere must not drown everything else."""
    (project / "app" / "a.py").write_text("ItemDesc\n" * 1000)

    findings = search(project, "ItemDesc")

    assert len(findings) == contract.MOST_FINDINGS + 1
    assert "more lines" in findings[-1].message


def test_nothing_to_look_for_finds_nothing(project: Path) -> None:
    """An addition takes no name away."""
    (project / "app" / "a.py").write_text("anything")

    assert search(project) == []
