"""Prompt files are read as their front matter says."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp import MCPError

from skill_server.protocol import prompts

FILE = """\
---
title: Plan a change
description: From a wish to a plan.
arguments:
  request: What is wanted
---
The wish: {{request}}
"""


def written(folder: Path, text: str) -> Path:
    """Return a prompt file with this text."""
    file = folder / "plan.md"
    file.write_text(text)
    return file


def test_a_prompt_is_its_file(tmp_path: Path) -> None:
    """Name, title, description, arguments and text have one place each."""
    template = prompts.read(written(tmp_path, FILE))

    assert (template.name, template.title, template.description) == (
        "plan",
        "Plan a change",
        "From a wish to a plan.",
    )
    assert template.arguments == {"request": "What is wanted"}
    assert prompts.rendered(template, {"request": "a field"}) == "The wish: a field"


def test_an_argument_that_is_not_given_is_said_to_be_missing(tmp_path: Path) -> None:
    """Every argument is optional, and an empty place in a sentence would be read as something else."""
    template = prompts.read(written(tmp_path, FILE))

    assert prompts.rendered(template, {}) == f"The wish: {prompts.NOT_GIVEN}"


def test_an_argument_is_text_and_never_a_place_for_another(tmp_path: Path) -> None:
    """What a person types is put in once, as it is."""
    template = prompts.read(written(tmp_path, FILE))

    assert prompts.rendered(template, {"request": "{{request}}"}) == "The wish: {{request}}"


def test_an_argument_that_the_prompt_does_not_have_is_an_error(tmp_path: Path) -> None:
    """It would be dropped otherwise."""
    with pytest.raises(MCPError, match="takes request"):
        prompts.rendered(prompts.read(written(tmp_path, FILE)), {"wish": "x"})


@pytest.mark.parametrize(
    "text",
    ["no front matter", "---\ntitle: x\n", FILE.replace("title: Plan", "title Plan"), FILE + "{{other}}"],
)
def test_a_file_that_is_no_prompt_is_noticed(tmp_path: Path, text: str) -> None:
    """A prompt that cannot be served must not vanish in silence."""
    with pytest.raises(ValueError, match=r"plan\.md"):
        prompts.read(written(tmp_path, text))


def test_the_prompts_of_the_product_can_be_served() -> None:
    """They are read when the server starts, which must not fail."""
    assert {prompt.name for prompt in prompts.served()} >= {"plan-schema-change", "emergency-rollback"}
    assert not any(argument.required for prompt in prompts.served() for argument in prompt.arguments or [])
