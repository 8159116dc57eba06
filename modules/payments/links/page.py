"""The page that a payer sees after a payment link: what became of the payment, in English and Hindi, and no name."""

from __future__ import annotations

from typing import Final

from modules.payments.links.callback import Outcome

PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p><h1 lang="hi">{title_hi}</h1><p lang="hi">{text_hi}</p></body></html>
"""
TEXTS: Final = {
    Outcome.PAID: (
        "Payment received",
        "Thank you. You can close this page.",
        "भुगतान मिल गया",
        "धन्यवाद। आप यह पेज बंद कर सकते हैं।",
    ),
    Outcome.CONFIRMING: (
        "Your bank is confirming the payment",
        "This can take up to three days. Please do not pay again.",
        "आपका बैंक भुगतान की पुष्टि कर रहा है",
        "इसमें तीन दिन तक लग सकते हैं। कृपया दोबारा भुगतान न करें।",
    ),
    Outcome.UNKNOWN: (
        "This payment cannot be confirmed here",
        "If money was taken, it is confirmed without this page, or goes back.",
        "इस भुगतान की पुष्टि यहाँ नहीं हो सकती",
        "यदि पैसे कटे हैं, तो पुष्टि इस पेज के बिना हो जाएगी, या पैसे वापस आ जाएँगे।",
    ),
}


def page(outcome: Outcome) -> str:
    title, text, title_hi, text_hi = TEXTS[outcome]
    return PAGE.format(title=title, text=text, title_hi=title_hi, text_hi=text_hi)
