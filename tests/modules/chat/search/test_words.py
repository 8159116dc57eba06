"""The words of texts and queries: what people report that a search does not find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.chat.index.words import LONGEST, MOST_ASKED, MOST_FOLDED, _tokens, asked_words, words_of


def finds(query: str, text: str) -> bool:
    """Whether a search for this finds a message with this text, as PostgreSQL compares the words."""
    asked, has = asked_words(query), words_of(text)
    return bool(asked) and {*asked[:-1]} <= {*has} and any(word.startswith(asked[-1]) for word in has)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        # Apostrophes: typed straight, written curly, left out (zulip/zulip#25633, djcb/mu#1150, zotero/zotero#1876).
        ("don't", "Don’t stop"),
        ("don’t", "don't stop"),
        ("dont", "Don’t stop"),
        ("don´t stop", "don’t stop"),
        ("beginner's chess", "Beginner’s chess"),
        ("beginner chess", "Beginner’s chess"),
        ("études", "cahier d’études"),
        ("etudes", "cahier d'études"),
        ("d'etudes", "cahier d’études"),
        # Quotation marks and dashes are no part of a word (mastodon/mastodon#26677, mattermost's docs on dashes).
        ("“homework”", "the homework is due"),
        ("homework", "»homework«—today"),
        ("today", "»homework«—today"),
        ("well-known", "a well-known rule"),
        ("well known", "a well‑known rule"),
        ("wellknown", "a well-known rule"),
        ("snake_case", "use snake_case"),
        ("case", "use snake_case"),
        ("ann@example.com", "write to ann@example.com"),
        ("example.com/a", "see https://example.com/a?b=c"),
        # Accents, either way (verygoodplugins/whatsapp-mcp#197, matrix-org/synapse#1523).
        ("orcamento", "o orçamento"),
        ("orçamento", "o orcamento"),
        ("STRASSE", "Straße"),
        ("orsted", "Ørsted"),
        ("istanbul", "İstanbul"),
        # Other writings (mattermost/mattermost#1180, Satellite-im/Core-PWA#1825, element-hq/element-web#24765).
        ("ПРИВЕТ", "привет всем"),
        ("తెలుగు", "తెలుగు భాష"),
        ("امتحان", "اِمْتِحَان"),
        ("מבחן", "מִבְחָן"),
        # Devanagari: the dot below in both of its forms and left out, the moon for the dot, joiners, vowel signs.
        ("दुनिया", "नमस्ते दुनिया"),
        ("आज़माइश", "आज़माइश"),
        ("आजमाइश", "आज़माइश"),
        ("हंसना", "हँसना"),
        ("क्ष", "क्‍ष"),
        ("दुनि", "नमस्ते दुनिया"),
        ("123", "पाठ १२३"),
        ("१२३", "lesson 123"),
        # Pictures next to words, and in whatever skin.
        ("great", "great👍"),
        ("👍", "great👍🏽work"),
        ("👍🏿", "👍"),
        ("work", "great👍🏽work"),
        ("❤", "❤️❤️"),
        ("🇮🇳", "jai 🇮🇳!"),
        ("👩‍💻", "👩‍💻"),
        # Words anywhere, and the beginning of the last.
        ("boleto pagamento", "pagamento do último boleto"),
        ("home", "homework"),
        ("ﬁne", "fine"),
    ],
)
def test_what_is_found(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        # Inside of a word: "ana" is not in "semana" (verygoodplugins/whatsapp-mcp#197).
        ("ana", "semana"),
        ("home due", "homework is due"),
        # The sign of a vowel is a letter, and so is the breve of й.
        ("कि", "की"),
        ("и", "й"),
        ("दुनिया नहीं", "नमस्ते दुनिया"),
    ],
)
def test_what_is_not_found(query: str, text: str) -> None:
    assert not finds(query, text)


@given(st.text(max_size=60))
def test_words_are_what_postgresql_takes(text: str) -> None:
    """No word is empty, too long, or has what would end a quoted word of a query. A text finds itself."""
    has, asked = words_of(text), asked_words(text)
    assert len(asked) <= MOST_ASKED
    for word in (*has, *asked):
        assert 0 < len(word) <= LONGEST
        assert not {*word} & {*" '\\\x00/|&!:()"}
    if 0 < len(asked) < MOST_ASKED:
        assert finds(text, text)
    # The form is the end of it.
    assert words_of(" ".join(has)) == has


def test_a_character_that_is_a_sentence_is_not_looked_at_thousands_of_times() -> None:
    # One of these is eighteen characters in its normal form.
    assert sum(len(token) for token in _tokens("\ufdfa" * 2000)) <= MOST_FOLDED * 2000
    # Korean takes three for one, and is looked at to its end.
    assert words_of("\ubc1d " * 500 + "\ub05d") == ["\ubc1d", "\ub05d"]
