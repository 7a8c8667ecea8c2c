"""Operations as statements and probes: beside what runs stands what a person would type for it."""

from __future__ import annotations

import json
from typing import Any

from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.operations.operations import (
    Change,
    ConvertValues,
    CreateCollection,
    CreateIndex,
    DescribeField,
    DropIndex,
    DropKept,
    EditRules,
    FindDuplicates,
    FindOffenders,
    FindOrphans,
    FindUnconvertible,
    FindUnkept,
    KeepCollection,
    Question,
    RenameCollection,
    RenameValues,
    RestoreValues,
    RetireValues,
    RevertValues,
    RunCommand,
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
        case EditRules():
            return _rules_text(operation)
        case CreateCollection():
            made = f"db.createCollection({_q(operation.collection)}, {operation.options_json})"
            return f"{made}  // or {_q(operation.kept)} renamed to it" if operation.kept else made
        case KeepCollection():
            moved = f"renameCollection({_q(operation.kept)})"
            return f"db.getCollection({_q(operation.collection)}).{moved}  // dropped where it is empty"
        case RenameCollection():
            return f"db.getCollection({_q(operation.collection)}).renameCollection({_q(operation.to)})"
        case RunCommand():
            return f"db.runCommand({operation.command_json})"
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
            doing += f", else as {operation.bad_json}" if operation.bad_json is not None else ""
            return _update(operation.collection, operation.field, doing)
        case RevertValues():
            doing = f"put back from {_q(operation.kept)}, else $set as {operation.was}"
            if operation.aside is not None:
                doing += f", else keep in {_q(operation.aside)} and $set as {operation.bad_json}"
            return _update(operation.collection, operation.field, doing)
        case DropKept() if operation.keep_bad:
            return f'db.getCollection({_q(operation.kept)}).deleteMany({{"bad": {{"$exists": false}}}})'
        case DropKept():
            return f"db.getCollection({_q(operation.kept)}).drop()"


def _rules_text(operation: EditRules) -> str:
    put = json.loads(operation.put_json)
    name = f"properties.{operation.field}"
    edits = [f"{name}.{word} = {json.dumps(value, ensure_ascii=False)}" for word, value in put.items()]
    edits += [f"no {name}.{word}" for word in operation.remove]
    if operation.required is not None:
        edits.append("required" if operation.required else "not required")
    edit = f"<as it is, but {', '.join(edits)}>"
    return f'db.runCommand({{"collMod": {_q(operation.collection)}, "validator": {edit}}})'


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
        case FindOrphans():
            there = f"{question.references}.{question.references_field}"
            return f"db.getCollection({_q(question.collection)}).find({question.field} not in {there})"


def _q(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
