"""The service models that botocore carries: which request is which operation, and what it may answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from botocore.loaders import Loader
from botocore.model import ServiceModel

from devcloud.document import Document
from devcloud.validation import Malformed, problems

SERVICES = ("ivs", "ivs-realtime", "ivschat")

PAGE = "maxResults"

# Both sign as `ivs` and both have the operations on tags; the ARN tells them apart.
REALTIME_KINDS = frozenset(
    {"stage", "composition", "encoder-configuration", "storage-configuration", "ingest-configuration", "public-key"}
)


class Operation:
    """One operation of one service, as its model describes it."""

    def __init__(self, service: str, model: Any) -> None:
        self.service = service
        self.name: str = model.name
        self.method: str = model.http["method"]
        self.status: int = model.http.get("responseCode", 200)
        self.input = model.input_shape
        self._output = model.output_shape
        self._errors = {shape.name: shape for shape in model.error_shapes}
        self._page = _page_size(self.input)
        uri = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(model.http["requestUri"]))
        self._path = re.compile(uri)

    @property
    def key(self) -> str:
        """How faults and handlers name it: `ivs.GetStream`."""
        return f"{self.service}.{self.name}"

    @property
    def errors(self) -> Mapping[str, int]:
        """The modelled errors and their HTTP status."""
        return {name: shape.metadata["error"]["httpStatusCode"] for name, shape in self._errors.items()}

    def matches(self, method: str, path: str) -> re.Match[str] | None:
        """The match of a request's raw path when this is its operation."""
        return self._path.fullmatch(path) if method == self.method else None

    def read(self, match: re.Match[str], query: Mapping[str, list[str]], body: bytes) -> Document:
        """The request's document, of path, query and body. Raises Malformed when there is no reading it."""
        if self.input is None:
            return {}
        document: Document = {}
        if body.strip():
            try:
                document = msgspec.json.decode(body)
            except msgspec.DecodeError as error:
                raise Malformed(f"The body is no JSON: {error}") from None
            if not isinstance(document, dict):
                raise Malformed("The body is no JSON object")
        for member, shape in self.input.members.items():
            name = shape.serialization.get("name", member)
            match shape.serialization.get("location"):
                case "uri":
                    document[member] = unquote(match[name])
                case "querystring" if name in query:
                    document[member] = query[name] if shape.type_name == "list" else query[name][0]
        if self._page and document.get(PAGE) is None:
            document[PAGE] = self._page
        return document

    def check(self, document: Document) -> list[str]:
        """The rules of the model that the request breaks. Raises Malformed."""
        return problems(self.input, document) if self.input is not None else []

    def write(self, answer: Document) -> bytes:
        """The body of an answer: what the model knows of it, nothing else.

        Raises AssertionError when the answer is not what the model promises: then the stand-in is wrong.
        """
        if self._output is None or self.status == 204:
            return b""
        unknown = set(answer) - set(self._output.members)
        assert not unknown, f"{self.key} has no {unknown}"
        document = _project(self._output, answer)
        broken = problems(self._output, document)
        assert not broken, f"{self.key} would answer against its model: {broken}"
        return msgspec.json.encode(document)

    def explain(self, code: str, message: str, resource: tuple[str, str]) -> Document:
        """The body of an error, with the members its model has; `message` is in every one, for people."""
        kind, name = resource
        values = {"resourceType": kind or "ROOM", "resourceId": name or "unknown", "reason": "OTHER", "limit": 0}
        body: Document = {"message": message}
        shape = self._errors.get(code)
        for member in shape.members if shape is not None else ():
            if member == "exceptionMessage":
                body[member] = message
            elif member in values:
                body[member] = values[member]
        return body


class Models:
    """The operations of every service that the stand-in speaks."""

    def __init__(self) -> None:
        loader = Loader()
        self.operations = [
            Operation(name, model.operation_model(operation))
            for name in SERVICES
            for model in [ServiceModel(loader.load_service_model(name, "service-2"), name)]
            for operation in model.operation_names
        ]
        self._signed = {"ivs": ("ivs", "ivs-realtime"), "ivschat": ("ivschat",)}

    def find(self, signed: str, method: str, path: str) -> tuple[Operation, re.Match[str]] | None:
        """The operation of a request signed for a service, by its raw path; None when the model has none."""
        services = self._signed[signed]
        if path.startswith("/tags/") and signed == "ivs":
            kind = unquote(path).rpartition(":")[2].partition("/")[0]
            services = ("ivs-realtime",) if kind in REALTIME_KINDS else ("ivs",)
        for operation in self.operations:
            if operation.service in services and (match := operation.matches(method, path)):
                return operation, match
        return None

    def speaks(self, signed: str) -> bool:
        """Whether requests signed for this service are ours."""
        return signed in self._signed


def _page_size(shape: Any) -> int:
    """How long a page is when the request does not say: the models tell it in prose alone. 0 without pages."""
    members = shape.members if shape is not None else {}
    found = re.search(r"Default:\D*(\d+)", members[PAGE].documentation) if PAGE in members else None
    return int(found[1]) if found else 0


def _project(shape: Any, value: Any) -> Any:
    """The members of a value that its shape has: a summary is a resource with fewer members."""
    match shape.type_name:
        case "structure":
            return {
                name: _project(kind, value[name])
                for name, kind in shape.members.items()
                if value.get(name) is not None and kind.serialization.get("location") is None
            }
        case "list":
            return [_project(shape.member, item) for item in value]
        case _:
            return value
