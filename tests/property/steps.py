"""Random changes that fit what a history has made of the schema so far."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from skill_server import changes
from skill_server.model.change import Change
from skill_server.model.logical import Fidelity, LogicalType, fidelity, parse
from tests.property.drafts import Draft, Thing
from tests.property.shapes import VALUES

_TYPES = [parse(word) for word in sorted(VALUES)]
_TEXTUAL = {"Text", "String(20)"}
_DEFAULTS: dict[str, Any] = {
    "Text": "ü ☃",
    "Integer": 7,
    "Boolean": False,
    "Decimal(12,2)": "12.50",
    "Date": "2024-02-29",
}
# A function that any record survives: it reads nothing that may be missing.
_UPPER = """
def loud(record):
    value = record.get({field!r})
    return {{{field!r}: value if value is None else value.upper().replace("\\x00", "")}}
""".strip()


@st.composite
def steps(draw: st.DrawFn, draft: Draft) -> tuple[Change, Draft]:
    """Draw one change that the draft allows, and the draft after it."""
    makers = [
        _add_field,
        _rename_field,
        _drop_field,
        _retype_field,
        _default,
        _nullable,
        _index,
        _drop_index,
        _check,
        _drop_check,
        _add_entity,
        _rename_entity,
        _drop_entity,
        _copy,
        _transform,
        _split,
        _merge,
    ]
    # Not a permutation: those are drawn near to the order of the list, and the first ones would be asked for most.
    for maker in [*draw(st.lists(st.sampled_from(makers), min_size=8, max_size=8)), _add_field]:
        entity = draw(st.sampled_from(sorted(draft.entities)))
        made = maker(draw, draft, entity, draft.entities[entity])
        if made is not None:
            return made
    raise AssertionError("a field can always be added")


Made = tuple[Change, Draft] | None


def _change(kind: str, entity: str, **arguments: Any) -> Change:
    return changes.build(kind, entity=entity, **arguments)


def _new(draft: Draft, word: str = "new") -> str:
    return f"{word}_{draft.given}"


def _without(thing: Thing, *names: str, **extra: LogicalType) -> Thing:
    fields = {name: kind for name, kind in thing.fields.items() if name not in names}
    return replace(
        thing,
        fields={**fields, **extra},
        required=thing.required - set(names),
        defaulted=thing.defaulted - set(names),
    )


def _add_field(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    kind = draw(st.sampled_from(_TYPES))
    default = _DEFAULTS.get(str(kind)) if draw(st.booleans()) else None
    nullable = default is None or draw(st.booleans())
    name = _new(draft)
    change = _change("add_field", entity, field=name, type=str(kind), default=default, nullable=nullable)
    after = _without(thing, **{name: kind})
    required = thing.required if nullable else thing.required | {name}
    return change, draft.with_entity(entity, replace(after, required=required))


def _rename_field(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    if not thing.fields:
        return None
    old, new = draw(st.sampled_from(sorted(thing.fields))), _new(draft, "named")

    def swap(name: str) -> str:
        return new if name == old else name

    after = Thing(
        {swap(name): kind for name, kind in thing.fields.items()},
        frozenset(swap(name) for name in thing.required),
        {index: tuple(swap(name) for name in names) for index, names in thing.indexes.items()},
        {check: swap(name) for check, name in thing.checks.items()},
        frozenset(swap(name) for name in thing.defaulted),
    )
    return _change("rename_field", entity, field=old, to=new), draft.with_entity(entity, after)


def _drop_field(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    if len(thing.fields) < 2:
        return None
    name = draw(st.sampled_from(sorted(thing.fields)))
    after = replace(
        _without(thing, name),
        indexes={index: names for index, names in thing.indexes.items() if name not in names},
        checks={check: named for check, named in thing.checks.items() if named != name},
    )
    return _change("drop_field", entity, field=name), draft.with_entity(entity, after)


def _retype_field(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    pairs = [
        (name, to)
        for name, was in thing.fields.items()
        if name not in thing.checks.values()
        for to in _TYPES
        if to != was and fidelity(was, to) not in (None, Fidelity.LOSSY)
    ]
    if not pairs:
        return None
    name, to = draw(st.sampled_from(pairs))
    on_bad = "fail" if name in thing.required else draw(st.sampled_from(["fail", "null", "keep"]))
    change = _change(
        "retype_field",
        entity,
        field=name,
        was=str(thing.fields[name]),
        to=str(to),
        **({"on_bad": on_bad} if on_bad != "fail" else {}),
    )
    return change, draft.with_entity(entity, replace(thing, fields={**thing.fields, name: to}))


def _default(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    able = [name for name, kind in thing.fields.items() if str(kind) in _DEFAULTS]
    if not able:
        return None
    name = draw(st.sampled_from(able))
    if name in thing.defaulted and draw(st.booleans()):
        after = replace(thing, defaulted=thing.defaulted - {name})
        return _change("drop_default", entity, field=name), draft.with_entity(entity, after)
    change = _change("set_default", entity, field=name, default=_DEFAULTS[str(thing.fields[name])])
    return change, draft.with_entity(entity, replace(thing, defaulted=thing.defaulted | {name}))


def _nullable(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    required = sorted(thing.required)
    if required and draw(st.booleans()):
        name = draw(st.sampled_from(required))
        after = replace(thing, required=thing.required - {name})
        return _change("allow_null", entity, field=name), draft.with_entity(entity, after)
    able = [name for name in thing.fields if name not in thing.required]
    if not able:
        return None
    name = draw(st.sampled_from(able))
    fill = _DEFAULTS.get(str(thing.fields[name]))
    after = replace(thing, required=thing.required | {name})
    return _change("require_field", entity, field=name, fill=fill), draft.with_entity(entity, after)


def _index(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    able = [name for name, kind in thing.fields.items() if str(kind) not in {"Json", "Text"}]
    if not able:
        return None
    names = draw(st.lists(st.sampled_from(able), min_size=1, max_size=2, unique=True))
    sign = draw(st.sampled_from(["", "-"]))
    arguments: dict[str, Any] = {"fields": [f"{sign}{name}" for name in names]}
    if str(thing.fields[names[0]]) in _TEXTUAL:
        arguments["ignore_case"] = draw(st.booleans())
    elif draw(st.booleans()):
        arguments["where"] = [{"field": names[0], "operator": "present"}]
    index = _new(draft, "by")
    after = replace(thing, indexes={**thing.indexes, index: tuple(names)})
    return _change("add_index", entity, name=index, **arguments), draft.with_entity(entity, after)


def _drop_index(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    if not thing.indexes:
        return None
    index = draw(st.sampled_from(sorted(thing.indexes)))
    left = {name: fields for name, fields in thing.indexes.items() if name != index}
    change = _change("drop_index", entity, name=index)
    return change, draft.with_entity(entity, replace(thing, indexes=left))


def _check(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    able = [name for name, kind in thing.fields.items() if str(kind) in {"Integer", "Text"}]
    able = [name for name in able if name not in thing.checks.values()]
    if not able:
        return None
    name, check = draw(st.sampled_from(able)), _new(draft, "rule")
    number = str(thing.fields[name]) == "Integer"
    rule = {"maximum": draw(st.sampled_from([0, 2**31 - 1]))} if number else {"max_length": 40}
    change = _change("add_check", entity, name=check, field=name, **rule)
    return change, draft.with_entity(entity, replace(thing, checks={**thing.checks, check: name}))


def _drop_check(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    if not thing.checks:
        return None
    check = draw(st.sampled_from(sorted(thing.checks)))
    left = {name: named for name, named in thing.checks.items() if name != check}
    change = _change("drop_check", entity, name=check, field=thing.checks[check])
    return change, draft.with_entity(entity, replace(thing, checks=left))


def _add_entity(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    del entity, thing
    name = _new(draft, "made")
    kinds = draw(st.lists(st.sampled_from(_TYPES), min_size=1, max_size=3))
    fields = {f"field_{number}": kind for number, kind in enumerate(kinds)}
    listed = [{"name": "number", "type": "Integer", "nullable": False}]
    listed += [{"name": field, "type": str(kind)} for field, kind in fields.items()]
    change = _change("add_entity", name, fields=listed, key=["number"])
    return change, draft.with_entity(name, Thing(fields))


def _rename_entity(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    new = _new(draft, "moved")
    del draw
    return _change("rename_entity", entity, to=new), draft.with_entity(new, thing, gone=entity)


def _drop_entity(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    del draw, thing
    if len(draft.entities) < 2:
        return None
    return _change("drop_entity", entity), draft.with_entity(entity, None, gone=entity)


def _copy(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    others = sorted(name for name in draft.entities if name != entity)
    if not others:
        return None
    source = draw(st.sampled_from(others))
    mapping = {"number": "number"}
    for new, kind in thing.fields.items():
        alike = [old for old, was in draft.entities[source].fields.items() if was == kind]
        mapping |= {new: alike[0]} if alike else {}
    change = _change("copy_records", entity, source=source, mapping=mapping, key=["number"])
    return change, draft.with_entity(entity, thing)


def _transform(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    able = [name for name, kind in thing.fields.items() if str(kind) == "Text"]
    able = [name for name in able if name not in thing.checks.values()]
    if not able:
        return None
    name = draw(st.sampled_from(able))
    if draw(st.booleans()):
        how: dict[str, Any] = {"function": _UPPER.format(field=name)}
    else:
        native = name.replace('"', '""')
        how = {
            "expressions": {
                "postgres": {name: f'reverse(t."{native}")'},
                "mongodb": {name: {"$concat": [f"${name}", "!"]}},
            }
        }
    change = _change("transform_fields", entity, writes=[name], reads=[name], **how)
    return change, draft.with_entity(entity, thing)


def _split(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    able = [name for name in thing.loose() if str(thing.fields[name]) == "Text"]
    if not able:
        return None
    name = draw(st.sampled_from(able))
    one, two = _new(draft, "first"), _new(draft, "second")
    text = parse("Text")
    into = [{"name": one, "type": "Text"}, {"name": two, "type": "Text"}]
    change = _change("split_field", entity, field=name, into=into, separator=" ")
    return change, draft.with_entity(entity, _without(thing, name, **{one: text, two: text}))


def _merge(draw: st.DrawFn, draft: Draft, entity: str, thing: Thing) -> Made:
    able = [name for name in thing.loose() if str(thing.fields[name]) == "Text"]
    if len(able) < 2:
        return None
    names = draw(st.permutations(able))[:2]
    new = _new(draft, "whole")
    change = _change(
        "merge_fields", entity, fields=list(names), into={"name": new, "type": "Text"}, separator=" "
    )
    return change, draft.with_entity(entity, _without(thing, *names, **{new: parse("Text")}))
