"""MEASURES.md is what the registry says, and readers of Hindi get every text of it."""

from __future__ import annotations

import re

import pytest

from gateway.localization.catalogue import catalogue_path, read_catalogue
from modules.analytics.measures.measure import Measure
from modules.analytics.measures.reference import PAGE, page
from modules.analytics.measures.registry import Registry, built_in
from modules.analytics.measures.texts import DOMAIN, LOCALE, MeasureTexts

MEASURES = built_in().all
DEVANAGARI = re.compile("[\u0900-\u097f]")


def test_the_page_is_made_of_the_registry() -> None:
    assert PAGE.read_text() == page(built_in())


def texts(measure: Measure) -> list[str]:
    own = (measure.title, measure.definition, measure.numerator, measure.denominator, measure.kinds)
    return [text for text in (*own, *measure.labels.values()) if text]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
async def test_every_text_is_in_hindi(measure: Measure) -> None:
    catalogue = read_catalogue(catalogue_path(LOCALE, "hi", DOMAIN))
    for text in texts(measure):
        assert DEVANAGARI.search(catalogue.get((text, ""), ("",))[0]), text
    view = await MeasureTexts().view(measure, "hi")
    assert view.title == catalogue[measure.title, ""][0]
    assert (await MeasureTexts().view(measure, "en")).title == measure.title


def test_definitions_say_what_is_counted() -> None:
    for measure in MEASURES:
        assert all((measure.title, measure.numerator, measure.definition.endswith("."))), measure.name
        assert re.fullmatch("[a-z_]+", measure.name)
        assert all(len(sentence.split()) <= 26 for sentence in measure.definition.split(". ")), measure.name


def test_measures_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="two measures are named attendance"):
        Registry([*MEASURES, MEASURES[0]])
