"""The routes of rubrics and of the bank of comments."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.assignments.grading.comment_messages import BankedComment, CommentBank, CommentChange, NewComment
from modules.assignments.grading.comments import Comments
from modules.assignments.grading.rubric import ID, NewRubric, Rubric
from modules.assignments.grading.rubrics import Rubrics

Id = Annotated[str, PathParameter(pattern=ID)]
Program = Annotated[str, QueryParameter(pattern=ID, description="Those of this program")]
TEACHERS = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")


@get("/{id:str}/rubric", policy=signed_in(owner="they take part in the program"))
async def read_rubric(
    id: Id, principal: NamedDependency[Principal], rubrics: NamedDependency[Rubrics]
) -> Response[Rubric]:
    """An assignment's rubric; of revision 0 while it has none."""
    return tagged(await rubrics.read(principal, id))


@put("/{id:str}/rubric", policy=TEACHERS)
async def write_rubric(
    id: Id,
    data: JSONBody[NewRubric],
    principal: NamedDependency[Principal],
    rubrics: NamedDependency[Rubrics],
    if_match: NamedDependency[IfMatch],
) -> Response[Rubric]:
    """Write an assignment's rubric. Once work was graded, only its texts change."""
    return tagged(await rubrics.write(principal, id, data, if_match))


@get("/comments", policy=TEACHERS, missing=True)
async def list_comments(
    program: Program, principal: NamedDependency[Principal], comments: NamedDependency[Comments]
) -> CommentBank:
    """The comments that the markers of a program use again."""
    return await comments.listed(principal, program)


@post("/comments", policy=TEACHERS, idempotent=True, missing=True)
async def add_comment(
    data: JSONBody[NewComment], principal: NamedDependency[Principal], comments: NamedDependency[Comments]
) -> Response[BankedComment]:
    """Put a comment into the bank of a program."""
    return tagged(await comments.add(principal, data), status=201)


@put("/comments/{comment:str}", policy=TEACHERS)
async def change_comment(
    comment: Id,
    data: JSONBody[CommentChange],
    principal: NamedDependency[Principal],
    comments: NamedDependency[Comments],
    if_match: NamedDependency[IfMatch],
) -> Response[BankedComment]:
    """Change a comment of the bank. Grades that have it keep theirs."""
    return tagged(await comments.change(principal, comment, data, if_match))


@delete("/comments/{comment:str}", policy=TEACHERS)
async def remove_comment(
    comment: Id, principal: NamedDependency[Principal], comments: NamedDependency[Comments]
) -> None:
    """Take a comment out of the bank. Grades that have it keep theirs."""
    await comments.remove(principal, comment)


def router(rubrics: Rubrics, comments: Comments) -> Router:
    return Router(
        "/assignments",
        route_handlers=[read_rubric, write_rubric, list_comments, add_comment, change_comment, remove_comment],
        dependencies=services(rubrics=rubrics, comments=comments),
    )
