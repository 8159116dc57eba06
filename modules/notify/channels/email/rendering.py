"""Rendering: a notification as text and HTML. It takes a moment, so it is done in a thread.

The styles are written into the elements, as some mail programs drop a `<style>`. It stays in the head all the same:
others read the colours of the dark from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
PREVIEW: Final = 140


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A notification in a mail."""

    title: str
    lines: Sequence[str]
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MailWords:
    """What a mail says around its notifications, in the reader's language."""

    open: str
    why: str
    unsubscribe: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """What the templates show. `unsubscribe_url` is empty for a receipt."""

    subject: str
    site: str
    language: str
    words: MailWords
    unsubscribe_url: str = ""
    items: Sequence[Item] = field(default=())

    @property
    def is_digest(self) -> bool:
        return len(self.items) > 1

    @property
    def preview(self) -> str:
        """What a mailbox shows beside the subject."""
        lines = [item.title for item in self.items] if self.is_digest else self.items[0].lines
        return " ".join(lines)[:PREVIEW]


class Rendering:
    """The templates are compiled, and their styles read, at the first mail."""

    def render(self, mail: Mail) -> tuple[str, str]:
        """The text and the HTML."""
        text = self._text.render(mail=mail)
        return text, self._inliner.inline(self._html.render(mail=mail))

    @cached_property
    def _inliner(self) -> Any:
        import css_inline  # noqa: PLC0415

        return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)

    @cached_property
    def _html(self) -> Any:
        return _environment(autoescape=True).get_template("mail.html")

    @cached_property
    def _text(self) -> Any:
        # A text is no markup.
        return _environment(autoescape=False).get_template("mail.txt")


def _environment(*, autoescape: bool) -> Any:
    # Only here: most processes write no mail.
    import jinja2  # noqa: PLC0415

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=autoescape,  # noqa: S701
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
