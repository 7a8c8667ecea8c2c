"""How the model definition changes with a plan: the touched entities as SQLAlchemy 2 classes, before and after.

Pure. Indexes and checks are shown in the words of PostgreSQL, which is where SQLAlchemy makes them.
"""

import difflib
import re
from collections.abc import Iterator
from typing import TypeVar

from skill_server.generate import model_sql
from skill_server.model import action as actions
from skill_server.model.declaration import declaration
from skill_server.model.ids import RETIRED_PREFIX, BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Constraint, Entity, Field, Index, Snapshot
from skill_server.plan import build

_Item = TypeVar("_Item", Index, Constraint)

_WORD = re.compile(r"[^\W_]+")
_MAKES = re.compile(r"CREATE (UNIQUE )?INDEX |ALTER TABLE .* ADD CONSTRAINT ", re.DOTALL)
_UNCHANGED = "no model changes\n"


def model_diff(plan: Plan) -> str:
    """Return the unified difference of the models before and after an upgrade, or a line that says there is none."""
    before = Snapshot(backend=BackendKind.POSTGRES, entities=plan.before, fingerprint="before", namespaces=())
    after = _defined(build.schema_after(plan, before), plan)
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
    # An index of a constraint comes with it.
    shown = [model_sql.index_line(entity, index) for index in entity.indexes if index.constraint is None]
    shown += [model_sql.check_line(entity, item) for item in entity.constraints if item.kind == "check"]
    if namespace := entity.native_name.rpartition(".")[0]:
        shown.append(f'{{"schema": "{namespace}"}},')
    if shown:
        yield "__table_args__ = ("
        yield from (f"    {line}" for line in shown)
        yield ")"


def _defined(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """Return a foreseen schema with the SQL of what the plan makes as its definition."""
    made: dict[str, set[str]] = {}
    for step in plan.of(BackendKind.POSTGRES):
        if isinstance(step.action, actions.BuildIndex | actions.AddConstraint):
            texts = [item.text for item in step.forward.statements if _MAKES.match(item.text)]
            made.setdefault(step.action.name, set()).update(texts)
    # A name that is made twice, in two places, says nothing for certain.
    sure = {name: next(iter(texts)) for name, texts in made.items() if len(texts) == 1}

    def defined(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
        return tuple(
            item if item.definition else item.model_copy(update={"definition": sure.get(item.name, "")})
            for item in items
        )

    return snapshot.model_copy(
        update={
            "entities": tuple(
                entity.model_copy(
                    update={"indexes": defined(entity.indexes), "constraints": defined(entity.constraints)}
                )
                for entity in snapshot.entities
            )
        }
    )
