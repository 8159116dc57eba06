"""Amounts in words, as invoices in India have them: lakh and crore, in English and Hindi."""

from __future__ import annotations

from typing import Final

from gateway.localization.currencies import minor_digits
from gateway.localization.formats import Language

ENGLISH_WORDS: Final = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
ENGLISH_TENS_WORDS: Final = "- - twenty thirty forty fifty sixty seventy eighty ninety"
# Each number below a hundred has a name of its own.
HINDI_WORDS: Final = """
    शून्य एक दो तीन चार पाँच छह सात आठ नौ
    दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस
    बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस
    तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस
    चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास
    पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ
    साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर
    सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उनासी
    अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी
    नब्बे इक्यानवे बानवे तिरानवे चौरानवे पंचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे
"""
ENGLISH: Final = tuple(ENGLISH_WORDS.split())
ENGLISH_TENS: Final = tuple(ENGLISH_TENS_WORDS.split())
HINDI: Final = tuple(HINDI_WORDS.split())
CRORE: Final = 10_000_000
SCALES: Final = {
    "en": ((100_000, "lakh"), (1000, "thousand"), (100, "hundred")),
    "hi": ((100_000, "लाख"), (1000, "हज़ार"), (100, "सौ")),
}


def in_words(amount: int, currency: str, language: Language) -> str:
    """An amount of minor units in words: "Rupees one lakh and fifty paise only". Other currencies by their code."""
    whole, part = divmod(amount, 10 ** minor_digits(currency))
    words = spelled(whole, language)
    if currency == "INR":
        paise = spelled(part, language)
        if language == "en":
            return f"Rupees {words}{f' and {paise} paise' if part else ''} only"
        return f"रुपये {words}{f' और {paise} पैसे' if part else ''} मात्र"
    fraction = f"{part}/{10 ** minor_digits(currency)}"
    if language == "en":
        return f"{currency} {words}{f' and {fraction}' if part else ''} only"
    return f"{currency} {words}{f' और {fraction}' if part else ''} मात्र"


def spelled(number: int, language: Language) -> str:
    """A whole number from 0 on in words; of a crore or more, the crores are spelled like a number."""
    if number >= CRORE:
        crores, rest = divmod(number, CRORE)
        return _joined(spelled(crores, language), "crore" if language == "en" else "करोड़", rest, language)
    for scale, name in SCALES[language]:
        if number >= scale:
            count, rest = divmod(number, scale)
            return _joined(spelled(count, language), name, rest, language)
    if language == "hi":
        return HINDI[number]
    if number < 20:
        return ENGLISH[number]
    tens, units = divmod(number, 10)
    return ENGLISH_TENS[tens] + (f"-{ENGLISH[units]}" if units else "")


def _joined(count: str, name: str, rest: int, language: Language) -> str:
    return f"{count} {name} {spelled(rest, language)}" if rest else f"{count} {name}"
