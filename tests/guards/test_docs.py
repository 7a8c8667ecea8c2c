"""The documentation names everything that is there, and nothing that is not."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from skill_server import settings, tools
from skill_server.changes import authored
from skill_server.gate import preconditions
from skill_server.generate.document import documented_digest
from skill_server.generate.graph import read_folder
from skill_server.model.base import Frozen
from skill_server.model.finding import FORECAST_RULES
from skill_server.model.logical import Kind
from skill_server.workflow import WORKFLOW

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "skill_server"
ERRORS = {"MigrationError", "Refused", "Invalid", "Conflict", "Failed", "InDoubt", "unmet"}
CODE = re.compile(r"[a-z]+(?:-[a-z]+)+")
STAGE_LINE = re.compile(r"^\| \d+ \| (\w+) \| `(\w+)` \|", re.MULTILINE)
SETTING_LINE = re.compile(r"^\| `([\w.<>]+)` \|", re.MULTILINE)
SECTIONS = {
    "project": settings.ProjectSettings,
    "names": settings.NativeNames,
    "targets": settings.TargetSettings,
    "policy": settings.PolicySettings,
}


def page(name: str) -> str:
    """Return a page of the documentation."""
    return (ROOT / name).read_text("utf-8")


def quoted(text: str) -> set[str]:
    """Return everything that stands in backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def section(text: str, heading: str) -> str:
    """Return the part of a page under a heading of the second level."""
    _, found, rest = text.partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def constants(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an argument can be, through both branches of a condition."""
    match node:
        case ast.Constant(value=str(word)):
            yield word
        case ast.IfExp(body=first, orelse=second):
            yield from constants(first)
            yield from constants(second)
        case ast.BoolOp(values=values):
            for value in values:
                yield from constants(value)
        case _:
            pass


def codes(source: str) -> set[str]:
    """Return the error codes that a module raises, as first argument or as an argument called `code`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in ERRORS:
                found.update(constants(first))
            case ast.FunctionDef(args=arguments) | ast.AsyncFunctionDef(args=arguments):
                pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
                defaults = (default for argument, default in pairs if argument.arg == "code" and default)
                found.update(word for default in defaults for word in constants(default))
            case _:
                pass
    return {code for code in found if CODE.fullmatch(code)}


def all_codes() -> set[str]:
    """Return every error code of the product."""
    return {code for path in PACKAGE.rglob("*.py") for code in codes(path.read_text("utf-8"))} - UNREACHABLE


# What `gate.require` falls back to for a verdict without a code; `unmet` always has one.
UNREACHABLE = {"precondition-unmet"}


def keys(model: type[Frozen] | type[BaseSettings]) -> set[str]:
    """Return the keys that a part of the configuration takes, without those that are parts themselves."""
    parts = {"names", "targets", "policy"} if model is settings.ProjectSettings else set[str]()
    return set(model.model_fields) - parts


@pytest.mark.parametrize("name", ["SKILL.md", "references/tools.md"])
def test_every_tool_is_in_the_skill_and_in_the_reference(name: str) -> None:
    """An assistant uses the tools it has read about."""
    assert {tool.name for tool in tools.discovered()} - quoted(page(name)) == set()


def test_the_reference_gives_each_tool_its_arguments() -> None:
    """An argument that is not there is refused, so the list must be right."""
    rows = [line.split("|") for line in page("references/tools.md").splitlines() if line.startswith("| `")]
    told = {row[1].strip(" `"): quoted(row[2]) for row in rows}

    for tool in tools.discovered():
        assert told[tool.name] == set(inspect.signature(tool.run).parameters) - {"app", "progress"}, tool.name


def test_the_stages_of_the_skill_are_those_of_the_workflow_in_its_order() -> None:
    """The workflow is said once, in data; what people read must not drift from it."""
    assert STAGE_LINE.findall(page("SKILL.md")) == [(stage.name, stage.tool) for stage in WORKFLOW]


def test_every_precondition_and_duty_is_in_the_skill() -> None:
    """The lists of MUST and MUST NOT name what enforces each line, and no line is without."""
    text = page("SKILL.md")
    must, must_not = section(text, "MUST"), section(text, "MUST NOT")
    known = preconditions.discovered()

    named = (quoted(must) | quoted(must_not)) & {word for word in quoted(text) if "_" in word}
    assert set(known) - named == set()
    for number in range(1, 11):
        lines = [line for line in must.splitlines() if line.startswith(f"| MUST {number} |")]
        enforcing = {name for name, each in known.items() if each.duty == f"MUST {number}"}
        assert len(lines) == 1
        assert enforcing, number
        assert enforcing <= quoted(lines[0])


def test_every_duty_not_to_do_something_is_in_the_skill() -> None:
    """Each line of MUST NOT names the preconditions that say it, in the same words, and none is left out."""
    table = section(page("SKILL.md"), "MUST NOT")
    lines = [line.split("|") for line in table.splitlines() if line.startswith("|")][2:]
    told = {f"MUST NOT {line[1].strip()}": quoted(line[2]) for line in lines}
    files = {path.stem: path for path in (PACKAGE / "gate" / "preconditions").glob("[!_]*.py")}
    said = {name: ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "" for name, path in files.items()}

    assert len(told) == 6
    for duty, named in told.items():
        assert named == {name for name, text in said.items() if duty in text}, duty


def test_every_change_and_type_is_in_the_references() -> None:
    """A change or type that nobody reads about is asked for in vain."""
    assert set(authored()) - quoted(page("references/tools.md")) == set()
    assert all(f"op.{kind}(" in page("references/migration-file.md") for kind in authored())
    types = {word.partition("(")[0] for word in quoted(page("references/types.md"))}
    assert {kind.value for kind in Kind} - types == set()


def test_the_reference_gives_each_change_its_fields() -> None:
    """A field of a change that nobody reads about is never given, and its default is taken unseen."""
    rows = [line.split("|") for line in page("references/tools.md").splitlines() if line.startswith("| `")]
    told = {row[1].strip(" `"): quoted(row[2]) for row in rows}

    missing = {kind: set(change.model_fields) - {"kind"} - told[kind] for kind, change in authored().items()}
    assert {kind: names for kind, names in missing.items() if names} == {}


def test_every_error_code_has_a_way_to_mend_it() -> None:
    """A refusal is only useful to a reader who finds out what to do."""
    rows = [line.split("|") for line in page("references/refusals.md").splitlines() if line.startswith("| `")]
    mended = {code for row in rows if len(row) == 5 and row[3].strip() for code in quoted(row[1])}

    assert sorted(all_codes() - mended) == []


def test_no_error_code_is_documented_that_nothing_raises() -> None:
    """A code that is gone sends its reader after a ghost."""
    rows = [line.split("|") for line in page("references/refusals.md").splitlines() if line.startswith("| `")]
    documented = {code for row in rows for code in quoted(row[1]) if CODE.fullmatch(code)}

    assert sorted(documented - all_codes()) == []


def test_every_rule_has_its_page_and_every_page_its_rule() -> None:
    """A finding names its rule, and the reader looks the rule up."""
    rules = {path.stem.replace("_", "-") for path in (PACKAGE / "review" / "rules").glob("[!_]*.py")}
    rules |= FORECAST_RULES
    pages = {path.stem for path in (ROOT / "docs" / "rules").glob("*.md")}

    assert rules == pages


def test_the_migrations_of_the_repository_can_be_read_and_their_pages_are_theirs() -> None:
    """They are the first example that a reader opens, and were written by the product itself."""
    history = read_folder(ROOT / "migrations")

    assert history.head
    for migration in history.migrations:
        assert documented_digest(ROOT / "migrations" / f"{migration.revision}.md") == migration.digest


@pytest.mark.parametrize("part", SECTIONS)
def test_every_key_of_the_configuration_is_documented(part: str) -> None:
    """A key that is not written down is found by reading code, and one that is gone misleads."""
    text = section(page("docs/configuration.md"), f"`{part}`")

    assert set(SETTING_LINE.findall(text)) == keys(SECTIONS[part])


def test_every_environment_variable_of_the_server_is_documented() -> None:
    """What belongs to the server's owner is set by name, so the names must be right."""
    text = section(page("docs/configuration.md"), "Environment of the server")
    wanted = {f"DATABASE_MIGRATION_{name.upper()}" for name in settings.ServerSettings.model_fields}

    assert {word for word in quoted(text) if word.startswith("DATABASE_MIGRATION_")} == wanted


def test_the_glossary_has_a_word_to_avoid_for_each_word() -> None:
    """A glossary that only adds words makes the language wider, not clearer."""
    rows = [line.split("|") for line in page("CONTEXT.md").splitlines() if line.startswith("| **")]

    assert {"entity", "field", "record", "target", "change", "plan", "receipt", "precondition"} <= {
        row[1].strip().strip("*") for row in rows
    }
    assert all(len(row) == 5 and row[3].strip() for row in rows)


def test_the_rooms_of_the_picture_are_those_of_the_import_contract() -> None:
    """An architecture page that is not true is worse than none."""
    contract = re.search(r"layers = \[(.*?)\]", page("pyproject.toml"), re.DOTALL)
    assert contract
    rooms = set(re.findall(r"\w+", contract[1]))
    text = page("docs/architecture.md")
    drawn = {path.strip("/") for path in re.findall(r"skill_server/(\w+)", text)}

    assert rooms == drawn
    assert all((PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file() for room in drawn)


@pytest.mark.parametrize(
    "source",
    [
        'raise Refused("a-code", "fact", help="order")',
        'raise Failed("a-code" if True else "other-code", "fact", help="order")',
        'def refuse(line: int, *, code: str = "a-code") -> None: ...',
        'def f() -> object:\n    return unmet("a-code", "fact", help="order")',
    ],
)
def test_an_error_code_is_found_however_it_is_given(source: str) -> None:
    """A code that the guard overlooks is a code without a way out."""
    assert "a-code" in codes(source)
