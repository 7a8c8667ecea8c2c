"""How the model definition changes with a plan: the touched entities as SQLAlchemy 2 classes, before and after.

Pure. Checks are left out, because the words of a check are each database's own.
"""

import difflib
import re
from collections.abc import Iterator

from skill_server.model.declaration import declaration
from skill_server.model.ids import RETIRED_PREFIX, BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Entity, Field, Snapshot
from skill_server.plan import build

_WORD = re.compile(r"[^\W_]+")
_UNCHANGED = "no model changes\n"


def model_diff(plan: Plan) -> str:
    """Return the unified difference of the models before and after an upgrade, or a line that says there is none."""
    before = Snapshot(backend=BackendKind.POSTGRES, entities=plan.before, fingerprint="before", namespaces=())
    after = build.schema_after(plan, before)
    lines = difflib.unified_diff(
        list(models(before)), list(models(after)), "models before", "models after", n=2, lineterm=""
    )
    text = "".join(f"{line}\n" for line in lines)
    return text or _UNCHANGED


def models(snapshot: Snapshot) -> Iterator[str]:
    """Yield the lines of one class for each entity, in order of their names."""
    for entity in sorted(snapshot.entities, key=lambda item: item.native_name):
        name = entity.native_name.rpartition(".")[2]
        yield f"class {_class_name(name)}(Base):"
        yield f'    __tablename__ = "{name}"'
        yield from (f"    {line}" for line in _arguments(entity))
        yield ""
        for field in entity.fields:
            if not field.native_name.startswith(RETIRED_PREFIX):
                yield f"    {declaration(field, more=tuple(_more(entity, field)))}"
        yield ""


def _class_name(name: str) -> str:
    joined = "".join(word[0].upper() + word[1:] for word in _WORD.findall(name))
    return joined if joined[:1].isalpha() else f"Entity{joined}"


def _more(entity: Entity, field: Field) -> Iterator[str]:
    for item in entity.constraints:
        if item.kind == "foreign_key" and item.fields == (field.name,) and item.references_fields:
            rule = (
                f', ondelete="{item.on_delete.upper()}"' if item.on_delete not in (None, "no action") else ""
            )
            target = f"{item.references}.{item.references_fields[0]}"
            yield f'ForeignKey("{target}", name="{item.name}"{rule})'
    if field.name in entity.key:
        yield "primary_key=True"
    if field.identity:
        yield "autoincrement=True"
    if field.default is not None:
        yield f"server_default=text({field.default!r})"


def _arguments(entity: Entity) -> Iterator[str]:
    known = {field.name: field.native_name for field in entity.fields}
    shown = [
        f'Index("{index.name}", {", ".join(repr(known[key.field or ""]) for key in index.keys)}'
        + (", unique=True)" if index.unique else ")")
        for index in entity.indexes
        # An index of a constraint comes with it; an expression has to be written by hand.
        if index.constraint is None and index.keys and all(key.field in known for key in index.keys)
    ]
    if namespace := entity.native_name.rpartition(".")[0]:
        shown.append(f'{{"schema": "{namespace}"}}')
    if shown:
        yield "__table_args__ = ("
        yield from (f"    {line}," for line in shown)
        yield ")"
