"""The names of files: without paths, and with an ending that says what is in them."""

from __future__ import annotations

import re
from typing import Final

from gateway.errors import invalid
from modules.files.checks.media_types import MediaType, ending_of

# What no system of files takes, besides control characters, which a line does not have.
NOT_IN_NAMES: Final = re.compile(r'[<>:"|?*]')
MOST: Final = 200


def clean_name(name: str, media_type: MediaType) -> str:
    """The name under which a file is kept. Raises BadInput `invalid` when nothing is left of it.

    A browser may send a path. An ending of another type would have a system open the file as what it is not.
    """
    kept = NOT_IN_NAMES.sub("_", re.split(r"[/\\]", name)[-1]).strip(" .")
    if not kept:
        raise invalid("the name is empty, or only a path", field="name")
    ending = ending_of(kept)
    if ending not in media_type.endings:
        return kept[: MOST - len(media_type.endings[0])].rstrip(" .") + media_type.endings[0]
    return kept if len(kept) <= MOST else kept[: MOST - len(ending)].rstrip(" .") + kept[-len(ending) :]
