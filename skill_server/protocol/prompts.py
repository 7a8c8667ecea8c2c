"""The prompts that come with the product, one `.md` file each, served under their file names.

A file begins with a front matter of `title`, `description` and, under `arguments`, one `name: description` line each;
`{{name}}` in its text is where an argument goes. Every argument is optional.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import MCPError
from mcp.server.mcpserver.prompts.base import Prompt, PromptArgument
from mcp.types import INVALID_PARAMS

from skill_server import share

NOT_GIVEN = "(not given)"
LONGEST_ARGUMENT = 4_000
_FENCE = "---"
_LINE = re.compile(r"(?P<deep>\s+)?(?:- name:\s*)?(?P<key>[A-Za-z_][\w-]*):\s*(?P<value>.*)")
_SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Template:
    """A prompt as its file says it."""

    name: str
    title: str
    description: str
    arguments: dict[str, str]
    text: str


def served() -> list[Prompt]:
    """Return every prompt that comes with the product, by name."""
    folder = share.find("prompts")
    files = sorted(folder.glob("*.md")) if folder else []
    return [_prompt(read(file)) for file in files if file.stem.upper() != "README"]


def read(file: Path) -> Template:
    """Read a prompt; raise ValueError where its front matter is not as this module describes it."""
    lines = file.read_text(encoding="utf-8").splitlines()
    if lines[:1] != [_FENCE] or _FENCE not in lines[1:]:
        raise ValueError(f"{file.name} does not begin with a front matter")
    end = lines.index(_FENCE, 1)
    words: dict[str, str] = {}
    arguments: dict[str, str] = {}
    for line in lines[1:end]:
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"{file.name}: {line!r} is no `key: value`")
        place = arguments if match["deep"] else words
        place[match["key"]] = match["value"].strip().strip("\"'")
    text = "\n".join(lines[end + 1 :]).strip()
    if unknown := {name for name in _SLOT.findall(text) if name not in arguments}:
        raise ValueError(f"{file.name} uses undeclared arguments: {', '.join(sorted(unknown))}")
    return Template(file.stem, words["title"], words["description"], arguments, text)


def rendered(template: Template, given: dict[str, Any]) -> str:
    """Return a prompt's text with its arguments.

    Raises:
        MCPError: an argument that the prompt does not have.
    """
    unknown = sorted(given.keys() - template.arguments.keys())
    if unknown:
        raise MCPError(
            INVALID_PARAMS, f"prompt {template.name} takes {', '.join(template.arguments) or 'no arguments'}"
        )
    return _SLOT.sub(lambda slot: str(given.get(slot[1]) or NOT_GIVEN)[:LONGEST_ARGUMENT], template.text)


def _prompt(template: Template) -> Prompt:
    async def render(**given: Any) -> str:
        return rendered(template, given)

    return Prompt(
        name=template.name,
        title=template.title,
        description=template.description,
        arguments=[
            PromptArgument(name=name, description=description, required=False)
            for name, description in template.arguments.items()
        ],
        fn=render,
        context_kwarg=None,
    )
