"""The word list and the links: what is found however it is written, and what is left alone."""

from __future__ import annotations

import time
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
UNSEEN = st.sampled_from(["", *"\u200b\u200d\u00ad\u034f\ufe0f\U000e0100\U000e0041\u2064\u3164"])
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


@pytest.mark.parametrize(
    ("text", "screened"),
    [
        ("fu\U000e0100ck", "*****"),
        ("f\u2062u\u180ec\uffa0k you", "******* you"),
        ("f\u0336u\u0336c\u0336k\u0336", "********"),
        ("fúck", "****"),
        ("ｆｕｃｋ", "****"),
        ("ⓕⓤⓒⓚ", "****"),
        ("\u200bfuck\u200b", "******"),
        # Where a font shows a gap, these are two words.
        ("fuck\u3164you", "****\u3164you"),
        ("you\u2800fuck", "you\u2800****"),
        ("गा\u200dली", "*****"),
        # Joiners of a longer word leave it as it is.
        ("क्\u200dषत्रिय न\u200cगाली", "क्\u200dषत्रिय न\u200cगाली"),
        ("कमल का फूल, cliché, naïve", "कमल का फूल, cliché, naïve"),
    ],
)
def test_what_is_not_seen_hides_no_word(text: str, screened: str) -> None:
    assert LIST.screen(text) == screened


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
        "see example.de!",
        "Example.De",
        "münchen.de",
        "देखो उदाहरण.भारत पर",
        "例子。中国",
        "xn--h2brj9c.in",
        "a.co.in",
        "foo.github.io",
        "example.de:8080",
        "example.de,and",
        "example\u2024de",
        "examp\u00adle.de",
        "x\U000e0100ample.de",
        "\u2066example.de\u2069",
        "t.me",
        "user@evil.com/path",
        ".evil.com",
        "no.where/evil.com",
        "192.168.1.1",
        "10.0.0.1:8000/x",
        "http://[::1]/",
        "[2001:db8::1]",
        "2001:db8::1",
    ],
)
def test_a_link(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize("text", ["", "3.14", "e.g. this", "done.thanks", "a/b", "mail a@example.com", "v1.2.3", "."])
def test_no_link(text: str) -> None:
    assert not has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "ok.And then",
        "yes.In the end",
        "fine.So what",
        "Hello.My name",
        "ok.Now go",
        "ठीक है.अब चलो",
        "Dr.Rao said No.5",
        "B.Tech, M.Sc. and B.Com",
        "open main.py or readme.md",
        "at 10:30:15",
        "999.1.2.3",
        "std::vector",
        "wait...what",
        "i.e.so",
        "U.S.A.",
        "co.in",
        "x=y.z",
    ],
)
def test_a_sentence_without_a_space_after_its_full_stop_is_no_link(text: str) -> None:
    assert not has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "a." * 1000,
        "a.a " * 500,
        "a:" * 1000,
        "@a.b" * 500,
        "-" * 2000,
        "a" * 2000 + "://",
        # One character that is five letters.
        "\u3316" * 2000 + "@.b",
    ],
)
def test_a_message_made_to_be_slow_is_not(text: str) -> None:
    before = time.process_time()
    has_link(text)
    assert time.process_time() - before < 0.1
