"""The program of the closed process: it reads records, calls one function, and writes answers. Nothing else.

Its text is handed to a Python of its own, which knows nothing of this package; so it imports the standard library
alone. `encode` and `decode` are the words that both ends speak.
"""

import base64
import importlib
import json
import math
import os
import resource
import struct
import sys
import types
import uuid
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO, cast

LARGEST_ANSWER = 64 * 1024 * 1024
DEEPEST = 64
# What of each module is out of reach: it looks up attributes by name, opens files, or is another module.
_WITHHELD = {
    "string": {"Formatter"},
    "base64": {"encode", "decode", "main", "test"},
    "hashlib": {"file_digest"},
    "functools": {"update_wrapper", "wraps", "WRAPPER_ASSIGNMENTS", "WRAPPER_UPDATES"},
    "collections": {"namedtuple"},
    "uuid": {"getnode", "uuid1", "uuid4", "main"},
}
_BUILTINS = (
    "abs all any ascii bin bool bytearray bytes chr complex dict divmod enumerate filter float format frozenset hash "
    "hex int isinstance issubclass iter len list map max min next oct ord pow range repr reversed round set slice "
    "sorted str sum tuple zip None True False ArithmeticError AttributeError Exception IndexError KeyError "
    "LookupError OverflowError RuntimeError StopIteration TypeError UnicodeError ValueError ZeroDivisionError"
).split()


def encode(value: Any, depth: int = 0) -> Any:
    """Return a plain value in words of JSON; raise TypeError where it has none."""
    if depth > DEEPEST:
        raise TypeError(f"values that nest deeper than {DEEPEST} levels")
    kind = cast("type[Any]", type(value))
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$": "float", "v": repr(value)}
    if kind is list:
        return [encode(part, depth + 1) for part in value]
    if kind is dict:
        if not all(type(key) is str for key in value):
            raise TypeError("a mapping whose keys are not all text")
        return {"$": "map", "v": {key: encode(part, depth + 1) for key, part in value.items()}}
    if kind in (datetime, date):
        return {"$": kind.__name__, "v": value.isoformat()}
    if kind is bytes:
        return {"$": "bytes", "v": base64.b64encode(value).decode()}
    if kind in (Decimal, uuid.UUID):
        return {"$": kind.__name__, "v": str(value)}
    raise TypeError(f"a {kind.__name__}")


def decode(value: Any) -> Any:
    """Return what `encode` was given; raise ValueError, TypeError or KeyError for anything else."""
    if isinstance(value, list):
        return [decode(part) for part in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    tagged = cast("dict[str, Any]", value)
    inner = tagged["v"]
    match tagged["$"]:
        case "map":
            return {key: decode(part) for key, part in inner.items()}
        case "float":
            return float(inner)
        case "Decimal":
            return Decimal(inner)
        case "datetime":
            return datetime.fromisoformat(inner)
        case "date":
            return date.fromisoformat(inner)
        case "bytes":
            return base64.b64decode(inner, validate=True)
        case "UUID":
            return uuid.UUID(inner)
        case other:
            raise ValueError(f"unknown word {other!r}")


def _close(limits: dict[str, int]) -> None:
    for name, most in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (most, most))
        except (AttributeError, ValueError, OSError):
            # Not every system has every limit; the clock of the parent is there in any case.
            continue


def _allow_seconds(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _shown(name: str) -> types.SimpleNamespace:
    """Return what a module has for everybody, without the modules that it uses itself."""
    module = importlib.import_module(name)
    withheld = _WITHHELD.get(name, set())
    names = [
        item for item in getattr(module, "__all__", dir(module)) if item[:1] != "_" and item not in withheld
    ]
    found = {item: getattr(module, item) for item in names if hasattr(module, item)}
    return types.SimpleNamespace(**{k: v for k, v in found.items() if not isinstance(v, types.ModuleType)})


def _compile(source: str, name: str, modules: list[str]) -> Callable[[Any], Any]:
    shown = {module: _shown(module) for module in modules}

    def only_these(module: str, *_rest: Any) -> types.SimpleNamespace:
        if module not in shown:
            raise ImportError(f"{module} is not for pure functions")
        return shown[module]

    everything = vars(importlib.import_module("builtins"))
    builtins = {item: everything[item] for item in _BUILTINS} | {"__import__": only_these}
    space: dict[str, Any] = {"__builtins__": builtins, "__name__": "function"}
    exec(compile(source, "<function>", "exec"), space)  # noqa: S102 - this process exists to do this and is closed
    function: Callable[[Any], Any] = space[name]
    return function


def _answer(function: Callable[[Any], Any], record: Any) -> Any:
    try:
        result = function(decode(record))
        if type(result) is not dict:
            return {"problem": f"returned a {type(result).__name__} instead of a mapping"}
        return {"values": encode(result)["v"]}
    except TypeError as error:
        return {"problem": f"raised or returned {str(error)[:200]}"}
    except (Exception, RecursionError, MemoryError) as error:  # noqa: BLE001 - whatever it raises is its answer
        return {"problem": f"raised {type(error).__name__}: {str(error)[:200]}"}


def _read(stream: BinaryIO) -> Any:
    head = stream.read(4)
    if len(head) < 4:
        return None
    (size,) = struct.unpack(">I", head)
    return json.loads(stream.read(size))


def _write(stream: BinaryIO, value: Any) -> None:
    text = json.dumps(value).encode()
    if len(text) > LARGEST_ANSWER:
        text = json.dumps({"stopped": "the answers of one batch are too large"}).encode()
    stream.write(struct.pack(">I", len(text)) + text)
    stream.flush()


def main() -> None:
    """Read the setting, then answer batch after batch until the other end closes."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    setting = _read(requests)
    sys.setrecursionlimit(500)
    _close(setting["limits"])
    function = _compile(setting["source"], setting["name"], setting["modules"])
    while (batch := _read(requests)) is not None:
        _allow_seconds(setting["seconds"])
        try:
            _write(answers, {"answers": [_answer(function, record) for record in batch]})
        except MemoryError:
            _write(answers, {"stopped": "it used up its memory"})


if __name__ == "__main__":
    main()
