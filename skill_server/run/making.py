"""New records out of the records of another entity, as a copy maps them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self, cast

from skill_server.backends.base import Backend
from skill_server.backends.pair import Pair
from skill_server.backends.records import Record
from skill_server.errors import Refused
from skill_server.model.flow import Copy
from skill_server.model.ids import BackendKind
from skill_server.run.sandbox import Sandbox

INDEX = "index"


@dataclass(frozen=True)
class Made:
    """A record to be made, or why there is none; `shown` is the key of the source record."""

    shown: str
    values: dict[str, Any] | None = None
    problem: str | None = None


class Making:
    """A copy into one database, page by page of its source."""

    def __init__(self, pair: Pair, target: BackendKind, copy: Copy) -> None:
        self._copy = copy
        self._source: Backend = pair[copy.database or target]
        self._stack = AsyncExitStack()
        self._sandbox = Sandbox(copy.formula) if copy.formula else None
        self._fields: list[str] = []
        self.estimate = 0

    async def __aenter__(self) -> Self:
        if self._sandbox is not None:
            await self._stack.enter_async_context(self._sandbox)
        snapshot = await self._source.inspect()
        entity = snapshot.entity(self._copy.entity)
        if entity is None:
            raise Refused(
                "entity-missing",
                f"{self._source.kind} has no {self._copy.entity!r} to copy from",
                help="Name an entity that inspect_schema shows.",
                next_tool="inspect_schema",
            )
        self.estimate = entity.records
        wanted = [*self._copy.mapping.values(), self._copy.present, self._copy.each]
        fields = [field for field in dict.fromkeys(wanted) if field is not None]
        if self._copy.each is not None:
            # The other names are members of the objects, or fields of the record where it has them.
            known = {field.name for field in entity.fields} | {self._copy.each}
            fields = [field for field in fields if field in known or not snapshot.declares_fields]
        self._fields = fields
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def pages(self, limit: int) -> AsyncGenerator[tuple[int, list[Made]]]:
        """Yield, for each page of the source, how many records it held and what is made of them."""
        after: str | None = None
        while True:
            page = await self._source.records.page(self._copy.entity, self._fields, after=after, limit=limit)
            yield len(page), await self._made(page)
            if len(page) < limit:
                return
            after = page[-1].key

    async def _made(self, page: Sequence[Record]) -> list[Made]:
        sources: list[tuple[str, dict[str, Any]]] = []
        made: list[Made] = []
        for record in page:
            if self._copy.present is not None and record.values.get(self._copy.present) is None:
                continue
            if record.problem is not None:
                made.append(Made(record.shown, problem=f"cannot be read: {record.problem}"))
                continue
            found = self._each(record)
            if isinstance(found, str):
                made.append(Made(record.shown, problem=found))
            else:
                sources += [(record.shown, values) for values in found]
        return made + [self._with_key(each) for each in await self._mapped(sources)]

    def _each(self, record: Record) -> list[dict[str, Any]] | str:
        if self._copy.each is None:
            return [dict(record.values)]
        value = record.values.get(self._copy.each)
        if value is None:
            return []
        parts = cast("list[dict[str, Any]]", value) if isinstance(value, list) else []
        if not isinstance(value, list) or not all(type(part) is dict for part in parts):
            return f"hold something else than a list of objects in {self._copy.each}"
        outer = {name: held for name, held in record.values.items() if name != self._copy.each}
        return [{**outer, **part, INDEX: index} for index, part in enumerate(parts)]

    async def _mapped(self, sources: Sequence[tuple[str, dict[str, Any]]]) -> list[Made]:
        mapping = self._copy.mapping
        if self._sandbox is None:
            return [
                Made(shown, {new: values[old] for new, old in mapping.items() if old in values})
                for shown, values in sources
            ]
        inputs = [{old: values.get(old) for old in mapping.values()} for _, values in sources]
        answers = await self._sandbox.compute(inputs)
        made: list[Made] = []
        for (shown, _), answer in zip(sources, answers, strict=True):
            if answer.values is None:
                made.append(Made(shown, problem=f"make the function fail: it {answer.problem}"))
            elif set(answer.values) != set(mapping):
                made.append(
                    Made(shown, problem=f"make the function return something else than {', '.join(mapping)}")
                )
            else:
                made.append(Made(shown, dict(answer.values)))
        return made

    def _with_key(self, made: Made) -> Made:
        missing = [
            field for field in self._copy.key if made.values is not None and made.values.get(field) is None
        ]
        return Made(made.shown, problem=f"have no value for {missing[0]}") if missing else made
