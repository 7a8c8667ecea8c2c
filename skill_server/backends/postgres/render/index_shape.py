"""The SQL of an index from words that both databases have."""

from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.literals import literal, text_literal
from skill_server.backends.postgres.render import expression
from skill_server.backends.postgres.render.rules import is_text
from skill_server.backends.postgres.render.scene import Scene, unusable
from skill_server.model.action import BuildIndex, RemoveIndex
from skill_server.model.snapshot import Condition

Shape = BuildIndex | RemoveIndex


def definition(action: Shape, place: Scene) -> str:
    """Return the statement that builds the index, in the spelling of `pg_get_indexdef` as far as that is known.

    Raises:
        Invalid: the shape makes no sense for these fields (`action-not-understood`).
        Refused: a field does not exist (`field-missing`).
    """
    if not action.keys:
        raise unusable(f"the index {action.name} has no keys", "Name at least one field.")
    if action.method == "text":
        method, keys = "gin", _words(action, place)
    elif action.expression is not None:
        method, keys = "btree", f"({_expression(action.name, action.expression)})"
    else:
        method, keys = "btree", ", ".join(_keys(action, place))
    unique = "UNIQUE " if action.unique else ""
    where = " AND ".join(f"({_condition(item, action, place)})" for item in action.where)
    if len(action.where) > 1:
        where = f"({where})"
    return (
        f"CREATE {unique}INDEX {quoted(action.name)} ON {place.table} USING {method} ({keys})"
        f"{f' WHERE {where}' if where else ''}"
    )


def note(action: Shape) -> str:
    """Return what people have to know about the index besides its statement; nothing for most."""
    if action.expire_after_s is None:
        return ""
    return "; PostgreSQL deletes no rows by itself, so this index only finds those that are due"


def _fields(action: Shape) -> list[str]:
    fields = [key.field for key in action.keys if key.field is not None]
    if len(fields) < len(action.keys):
        raise unusable(f"the index {action.name} has a key that is no field", "Name fields only.")
    return fields


def _keys(action: Shape, place: Scene) -> list[str]:
    found: list[str] = []
    for name, key in zip(_fields(action), action.keys, strict=True):
        column = place.column(name)
        folded = action.ignore_case and is_text(place.require(name))
        found.append((f"lower({column})" if folded else column) + (" DESC" if key.descending else ""))
    if action.ignore_case and not any(key.startswith("lower(") for key in found):
        raise unusable(f"the index {action.name} has no text whose case could be ignored", "Leave it out.")
    return found


def _words(action: Shape, place: Scene) -> str:
    if action.unique or action.expression is not None or action.expire_after_s is not None:
        raise unusable(
            f"the text index {action.name} is unique, of an expression or expires",
            "Make it only a text index.",
        )
    columns: list[str] = []
    for name in _fields(action):
        if not is_text(place.require(name)):
            raise unusable(f"{name} of the text index {action.name} is no text", "Name text fields only.")
        columns.append(f"COALESCE({place.column(name)}, '')")
    # With the configuration named, the expression depends on no setting; `simple` is right for every language.
    text = " || ' ' || ".join(columns)
    return f"to_tsvector('simple'::regconfig, {text})"


def _condition(item: Condition, action: Shape, place: Scene) -> str:
    column = place.column(item.field)
    if item.operator == "present":
        place.require(item.field)
        return f"{column} IS NOT NULL"
    field = place.require(item.field)
    if item.value is None:
        raise unusable(
            f"a condition of the index {action.name} compares {item.field} with nothing",
            "Write the operator `present` for fields that have a value.",
        )
    if field.type is None:
        return f"{column} {item.operator} {text_literal(str(item.value))}::{field.native_type}"
    return f"{column} {item.operator} {literal(item.value, field.type)}"


def _expression(name: str, text: str) -> str:
    """Return an SQL expression that is exactly one, as the only thing in its brackets."""
    if (reason := expression.objection(text)) is not None:
        raise unusable(
            f"{text[:80]!r} is not one SQL expression for the index {name}: it {reason}",
            "Write one expression over columns of the table, without subqueries, comments or semicolons.",
        )
    return text.strip()
