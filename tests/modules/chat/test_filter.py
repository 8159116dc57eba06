"""The word list and the links: what is found however it is written, and what is left alone."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.errors import BadInput
from modules.chat.filter import WordList, key, load
from modules.chat.links import has_link
from modules.chat.settings import ChatSettings

WORDS = ("darn", "straße", "गाली", "née")
LIST = WordList(ChatSettings(words=WORDS))
# What nobody sees: zero width space, joiner, soft hyphen, grapheme joiner, variation selector.
UNSEEN = st.sampled_from(["", "\u200b", "\u200d", "\u00ad", "\u034f", "\ufe0f"])
AROUND = st.text(alphabet=" .,!?-\n()'\"😀@#/", min_size=1, max_size=5)


def wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """A word of the list as somebody may write it."""
    word = draw(st.sampled_from(WORDS))
    word = draw(st.sampled_from([str, str.upper, str.title, str.casefold, wide]))(word)
    word = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"])), word)
    # In front of what is combined with the letter before it, it would be another letter.
    return word[0] + "".join(draw(UNSEEN) + char if not unicodedata.combining(char) else char for char in word[1:])


@given(AROUND, disguised(), AROUND, disguised())
def test_a_word_is_masked_however_it_is_written(before: str, word: str, between: str, other: str) -> None:
    assume("\u200d" not in between)
    screened = LIST.screen(f"{before}{word}{between}{other}")
    assert screened == f"{before}{'*' * len(word)}{between}{'*' * len(other)}"
    # What was masked has nothing more to be masked.
    assert LIST.screen(screened) == screened


@given(st.text(max_size=200))
def test_nothing_else_is_touched(text: str) -> None:
    """Character by character: what differs afterwards is of a whole word of the list."""
    screened = LIST.screen(text)
    assert len(screened) == len(text)
    if not any(word in key(text) for word in map(key, WORDS)):
        built_in = WordList(ChatSettings())
        assert screened == built_in.screen(text)


@pytest.mark.parametrize(
    "text", ["darning", "a darned sock", "redarn", "d a r n", "dаrn (with a Cyrillic letter)", "snée"]
)
def test_a_longer_word_is_another_word(text: str) -> None:
    assert LIST.screen(text) == text


def test_the_built_in_list_masks_by_default() -> None:
    assert WordList(ChatSettings()).screen("what the Fuck, Scunthorpe?") == "what the ****, Scunthorpe?"


def test_a_list_may_refuse_and_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "words"
    file.write_text("# ours\n\n  Darn \n", encoding="utf-8")
    strict = WordList(ChatSettings(words_file=str(file), words_action="refuse"))
    with pytest.raises(BadInput) as caught:
        strict.screen("oh DARN")
    assert caught.value.code == "chat.refused"
    assert strict.screen("oh fuck") == "oh fuck"


def test_what_cannot_be_a_filter_is_named_at_the_start(tmp_path: Path) -> None:
    for settings, reason in (
        (ChatSettings(filters=("no.such:Filter",)), "no.such:Filter"),
        (ChatSettings(filters=("modules.chat.filter:None_",)), "None_"),
        (ChatSettings(words=("two words",)), "two words"),
        (ChatSettings(words_file=str(tmp_path / "missing")), "missing"),
    ):
        with pytest.raises(RuntimeError, match=reason):
            load(settings)


@pytest.mark.parametrize(
    "text",
    [
        "see https://ksmp.test/a",
        "HTTP://X.Y",
        "www.example",
        "go to example.com",
        "example.com.",
        "(bit.ly/abc)",
        "any.thing/path",
        "ｅｘａｍｐｌｅ．ｃｏｍ",
        "exam\u200bple.com",
        "tel://1",
    ],
)
def test_a_link(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize("text", ["", "3.14", "e.g. this", "done.thanks", "a/b", "mail a@example.com", "v1.2.3", "."])
def test_no_link(text: str) -> None:
    assert not has_link(text)
