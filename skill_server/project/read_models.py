"""Read SQLAlchemy models from syntax trees. Nothing of the project is imported; what is not understood is listed."""

import ast
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from skill_server.errors import Refused
from skill_server.project.model_fields import field_of
from skill_server.project.models import ModelEntity, ModelField, ProjectModels, Unreadable

LARGEST_BYTES = 1024 * 1024
_ROOTS = frozenset(
    {"DeclarativeBase", "DeclarativeBaseNoMeta", "MappedAsDataclass", "object", "Generic", "Protocol", "ABC"}
)


class _Class(NamedTuple):
    node: ast.ClassDef
    file: str
    imported: dict[str, str]


def read_models(path: Path, root: Path) -> ProjectModels:
    """Return what the models in a file or folder declare; `root` is what file names are relative to.

    Raises:
        Refused: there is no such file or folder (`models-missing`).
    """
    if not path.exists():
        raise Refused(
            "models-missing",
            f"there are no models at {_shown(path, root)}",
            help="Correct the path of the models in the configuration.",
        )
    reader = _Reader()
    for file in [path] if path.is_file() else _files(path):
        reader.load(file, _shown(file, root))
    entities = [
        entity for each in list(reader.classes.values()) if (entity := reader.entity(each)) is not None
    ]
    return ProjectModels(
        entities=tuple(sorted(entities, key=lambda entity: entity.name)), unreadable=tuple(reader.unreadable)
    )


class _Reader:
    """Collects classes of all files first, because a model may inherit fields from another file."""

    def __init__(self) -> None:
        self.classes: dict[str, _Class] = {}
        self.unreadable: list[Unreadable] = []

    def refuse(self, file: str, line: int, message: str) -> None:
        said = Unreadable(file=file, line=line, message=message)
        if said not in self.unreadable:
            self.unreadable.append(said)

    def load(self, path: Path, file: str) -> None:
        try:
            content = path.read_bytes()
            if len(content) > LARGEST_BYTES:
                self.refuse(file, 1, "the file is larger than a model file can be")
                return
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(content)
        except SyntaxError as error:
            self.refuse(file, error.lineno or 1, f"the file is no Python: {error.msg}")
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            self.refuse(file, 1, f"the file cannot be read: {type(error).__name__}")
        else:
            self.collect(tree, file)

    def collect(self, tree: ast.Module, file: str) -> None:
        imported = _imports(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) == "Table" and "Table" in imported:
                self.refuse(file, node.lineno, "a Table object is not read; declare a model class")
            if not isinstance(node, ast.ClassDef):
                continue
            for statement in node.body:
                if isinstance(statement, ast.Assign) and _name(statement.targets[0]) == "__table__":
                    self.refuse(file, statement.lineno, "a Table object is not read; declare the fields")
            if node.name in self.classes:
                self.refuse(file, node.lineno, f"a class {node.name} is there twice")
            self.classes[node.name] = _Class(node, file, imported)

    def entity(self, each: _Class) -> ModelEntity | None:
        name = self.entity_name(each)
        if name is None:
            return None
        fields: dict[str, ModelField] = {}
        for declared in self.fields(each, frozenset()):
            fields[declared.attribute] = declared
        return ModelEntity(
            name=name,
            namespace=self.namespace(each),
            file=each.file,
            line=each.node.lineno,
            fields=tuple(fields.values()),
        )

    def entity_name(self, each: _Class) -> str | None:
        for statement in each.node.body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id="__tablename__")], value=value)
                    | ast.AnnAssign(target=ast.Name(id="__tablename__"), value=ast.expr() as value)
                ):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        return value.value
                    self.refuse(each.file, statement.lineno, "the name of the entity is computed")
                case _:
                    pass
        return None

    def namespace(self, each: _Class) -> str | None:
        """Return the schema that `__table_args__` names: in a mapping, or in one at the end of a tuple."""
        for statement in each.node.body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id="__table_args__")], value=value)
                    | ast.AnnAssign(target=ast.Name(id="__table_args__"), value=ast.expr() as value)
                ):
                    return self.named(value, each)
                case _:
                    pass
        return None

    def named(self, arguments: ast.expr, each: _Class) -> str | None:
        match arguments:
            case ast.Tuple(elts=[*_, last]):
                return self.named(last, each)
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "schema":
                        if isinstance(value, ast.Constant) and isinstance(value.value, str):
                            return value.value
                        self.refuse(each.file, value.lineno, "the schema of the entity is computed")
            case _:
                pass
        return None

    def fields(self, each: _Class, seen: frozenset[str]) -> Iterator[ModelField]:
        for base in each.node.bases:
            name = _name(base.value if isinstance(base, ast.Subscript) else base)
            parent = self.classes.get(name)
            if parent is not None and name not in seen:
                yield from self.fields(parent, seen | {name})
            elif parent is None and name not in _ROOTS:
                self.refuse(
                    each.file,
                    base.lineno,
                    f"{each.node.name} inherits from {name}, which is not in the models",
                )
        for statement in each.node.body:
            try:
                declared = field_of(statement, each.file, each.imported)
            except ValueError as error:
                self.refuse(each.file, statement.lineno, str(error))
                continue
            if declared is None:
                continue
            field, reason = declared
            if reason is not None:
                self.refuse(each.file, statement.lineno, reason)
            yield field


def _imports(tree: ast.Module) -> dict[str, str]:
    """Return the module that each imported name comes from."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module if node.level == 0 and node.module else "."
            found |= {alias.asname or alias.name: module for alias in node.names}
    return found


def _name(node: ast.expr) -> str:
    return (
        node.attr
        if isinstance(node, ast.Attribute)
        else node.id
        if isinstance(node, ast.Name)
        else "an expression"
    )


def _files(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        for name in sorted(names):
            path = Path(folder) / name
            if name.endswith(".py") and path.is_file() and not path.is_symlink():
                yield path


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
