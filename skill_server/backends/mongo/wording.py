"""Operations as statements and probes: beside what runs stands what a person would type for it."""

from __future__ import annotations

import json
from typing import Any

from skill_server.backends.mongo import ejson
from skill_server.backends.mongo.operations import (
    Change,
    ConvertValues,
    CreateIndex,
    DescribeField,
    DropIndex,
    DropKept,
    FindDuplicates,
    FindOffenders,
    FindUnconvertible,
    FindUnkept,
    Question,
    RenameValues,
    RestoreValues,
    RetireValues,
    RevertValues,
)
from skill_server.model.plan import Probe, Statement


def statement(operation: Change) -> Statement:
    """Return an operation as a statement, with what a person would type for it."""
    return Statement(text=_text(operation), command=operation.model_dump(mode="json"))


def probe(name: str, message: str, help: str, question: Question) -> Probe:
    """Return a question as a probe."""
    asked = Statement(text=_question_text(question), command=question.model_dump(mode="json"))
    return Probe(id=name, message=message, help=help, statement=asked)


def _text(operation: Change) -> str:
    match operation:
        case DescribeField():
            said = json.loads(operation.describes_json) if operation.describes_json else None
            rule = (
                f"properties.{operation.field} = {json.dumps(said, ensure_ascii=False)}"
                if said is not None
                else (f"no property {operation.field}")
            )
            needed = "required" if operation.required else "not required"
            edit = f"<as it is, but {rule}, {needed}>"
            return f'db.runCommand({{"collMod": {_q(operation.collection)}, "validator": {edit}}})'
        case CreateIndex():
            definition: Any = ejson.loads(operation.definition_json)
            return f"db.getCollection({_q(operation.collection)}).createIndex({ejson.shown(definition)})"
        case DropIndex():
            return f"db.getCollection({_q(operation.collection)}).dropIndex({_q(operation.name)})"
        case RenameValues():
            return _update(operation.collection, operation.field, f"rename in place to {_q(operation.to)}")
        case RetireValues():
            apart = f" unless it is {operation.unless_json}" if operation.unless_json is not None else ""
            return _update(
                operation.collection, operation.field, f"keep in {_q(operation.kept)}{apart}, then $unset"
            )
        case RestoreValues():
            fill = f", else {operation.fill_json}" if operation.fill_json is not None else ""
            return _update(
                operation.collection, operation.field, f"put back from {_q(operation.kept)}{fill}", has=False
            )
        case ConvertValues():
            doing = f"keep in {_q(operation.kept)}, then $set as {operation.to}"
            return _update(operation.collection, operation.field, doing)
        case RevertValues():
            doing = f"put back from {_q(operation.kept)}, else $set as {operation.was}"
            return _update(operation.collection, operation.field, doing)
        case DropKept():
            return f"db.getCollection({_q(operation.kept)}).drop()"


def _update(collection: str, field: str, doing: str, *, has: bool = True) -> str:
    there = json.dumps({field: {"$exists": has}}, ensure_ascii=False)
    return f"db.getCollection({_q(collection)}).bulkWrite([for each of {there}: {doing}])"


def _question_text(question: Question) -> str:
    match question:
        case FindOffenders():
            return f"db.getCollection({_q(question.collection)}).find({question.filter_json})"
        case FindDuplicates():
            keys = ", ".join(question.keys)
            return f"db.getCollection({_q(question.collection)}).aggregate([duplicates of {keys}])"
        case FindUnconvertible():
            return f"db.getCollection({_q(question.collection)}).find({question.field} is no {question.to})"
        case FindUnkept():
            return (
                f"db.getCollection({_q(question.collection)}).find({question.field} neither there nor kept)"
            )


def _q(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
