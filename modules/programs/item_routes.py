"""The routes of what lessons consist of."""

from __future__ import annotations

from litestar import Response, Router, delete, patch, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.http.etag import IfMatch, tagged
from gateway.http.services import services
from gateway.principal import Principal
from modules.programs.item_messages import ItemChange, ItemOrder, LessonItem, NewItem
from modules.programs.lesson_items import LessonItems
from modules.programs.messages import LessonView
from modules.programs.routes import EDITORS, Id


@post("/{id:str}/lessons/{lesson:str}/items", policy=EDITORS, idempotent=True)
async def add_item(
    id: Id,
    lesson: Id,
    data: JSONBody[NewItem],
    principal: NamedDependency[Principal],
    lesson_items: NamedDependency[LessonItems],
) -> Response[LessonItem]:
    """Add a text, a link, a file or a session's recordings after the other items of a lesson."""
    return tagged(await lesson_items.add(principal, id, lesson, data), status=201)


@put("/{id:str}/lessons/{lesson:str}/items/order", policy=EDITORS)
async def reorder_items(
    id: Id,
    lesson: Id,
    data: JSONBody[ItemOrder],
    principal: NamedDependency[Principal],
    lesson_items: NamedDependency[LessonItems],
    if_match: NamedDependency[IfMatch],
) -> Response[LessonView]:
    """Put all items of a lesson in another order; with the lesson's ETag."""
    return tagged(await lesson_items.reorder(principal, id, lesson, data, if_match))


@patch("/{id:str}/lessons/{lesson:str}/items/{item:str}", policy=EDITORS)
async def change_item(
    id: Id,
    lesson: Id,
    item: Id,
    data: JSONBody[ItemChange],
    principal: NamedDependency[Principal],
    lesson_items: NamedDependency[LessonItems],
    if_match: NamedDependency[IfMatch],
) -> Response[LessonItem]:
    """Change an item that nobody has changed since."""
    return tagged(await lesson_items.change(principal, id, lesson, item, data, if_match))


@delete("/{id:str}/lessons/{lesson:str}/items/{item:str}", policy=EDITORS)
async def delete_item(
    id: Id,
    lesson: Id,
    item: Id,
    principal: NamedDependency[Principal],
    lesson_items: NamedDependency[LessonItems],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Delete an item that nobody has changed since."""
    await lesson_items.delete(principal, id, lesson, item, if_match)


def router(items: LessonItems) -> Router:
    return Router(
        "/programs",
        route_handlers=[add_item, reorder_items, change_item, delete_item],
        dependencies=services(lesson_items=items),
    )
