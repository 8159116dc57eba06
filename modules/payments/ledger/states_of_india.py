"""The states and union territories of India with their two-digit codes in GST, in English and Hindi.

The codes are those of the first two digits of a GSTIN. 96 is a place outside of India, 97 the other territory (at sea).
Code 25 (Daman and Diu) was joined to 26 in 2020, and 28 was Andhra Pradesh before its division: old numbers begin so.
"""

from __future__ import annotations

from typing import Final

import msgspec


class State(msgspec.Struct, frozen=True):
    """A state; `union_territory` when it has no legislature, and so levies UTGST in place of SGST."""

    code: str
    name: str
    hindi: str
    union_territory: bool = False


ABROAD: Final = "96"

STATES: Final = {
    code: State(code, name, hindi, union_territory)
    for code, name, hindi, union_territory in (
        ("01", "Jammu and Kashmir", "जम्मू और कश्मीर", False),
        ("02", "Himachal Pradesh", "हिमाचल प्रदेश", False),
        ("03", "Punjab", "पंजाब", False),
        ("04", "Chandigarh", "चंडीगढ़", True),
        ("05", "Uttarakhand", "उत्तराखंड", False),
        ("06", "Haryana", "हरियाणा", False),
        ("07", "Delhi", "दिल्ली", False),
        ("08", "Rajasthan", "राजस्थान", False),
        ("09", "Uttar Pradesh", "उत्तर प्रदेश", False),
        ("10", "Bihar", "बिहार", False),
        ("11", "Sikkim", "सिक्किम", False),
        ("12", "Arunachal Pradesh", "अरुणाचल प्रदेश", False),
        ("13", "Nagaland", "नागालैंड", False),
        ("14", "Manipur", "मणिपुर", False),
        ("15", "Mizoram", "मिज़ोरम", False),
        ("16", "Tripura", "त्रिपुरा", False),
        ("17", "Meghalaya", "मेघालय", False),
        ("18", "Assam", "असम", False),
        ("19", "West Bengal", "पश्चिम बंगाल", False),
        ("20", "Jharkhand", "झारखंड", False),
        ("21", "Odisha", "ओडिशा", False),
        ("22", "Chhattisgarh", "छत्तीसगढ़", False),
        ("23", "Madhya Pradesh", "मध्य प्रदेश", False),
        ("24", "Gujarat", "गुजरात", False),
        ("26", "Dadra and Nagar Haveli and Daman and Diu", "दादरा और नगर हवेली तथा दमन और दीव", True),
        ("27", "Maharashtra", "महाराष्ट्र", False),
        ("29", "Karnataka", "कर्नाटक", False),
        ("30", "Goa", "गोवा", False),
        ("31", "Lakshadweep", "लक्षद्वीप", True),
        ("32", "Kerala", "केरल", False),
        ("33", "Tamil Nadu", "तमिलनाडु", False),
        ("34", "Puducherry", "पुडुचेरी", False),
        ("35", "Andaman and Nicobar Islands", "अंडमान और निकोबार द्वीपसमूह", True),
        ("36", "Telangana", "तेलंगाना", False),
        ("37", "Andhra Pradesh", "आंध्र प्रदेश", False),
        ("38", "Ladakh", "लद्दाख", True),
        (ABROAD, "Outside India", "भारत के बाहर", False),
        ("97", "Other Territory", "अन्य क्षेत्र", True),
    )
}
# States whose codes old GSTINs still begin with.
FORMER: Final = {"25": "26", "28": "37"}
