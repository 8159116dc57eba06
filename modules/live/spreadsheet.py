"""How a route that also answers CSV is described, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from litestar import Response
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Schema

CSV: Final = "text/csv"


@dataclass
class SpreadsheetOperation(Operation):
    """Which also answers CSV."""

    sample: ClassVar[str] = ""

    def __post_init__(self) -> None:
        response: Any = (self.responses or {})["200"]
        schema = Schema(type=OpenAPIType.STRING, description="The rows, with a first one of names.")
        response.content[CSV] = OpenAPIMediaType(schema=schema, example=self.sample)


def spreadsheet(name: str, text: str, headers: dict[str, str] | None = None) -> Response[Any]:
    """The text as a file of this name."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text, media_type=CSV, headers={**(headers or {}), **disposition})
