"""The words of an invoice, in English and Hindi."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.localization.formats import Language
from modules.payments.invoices.snapshot import InvoiceKind


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    date: str
    order: str
    payment: str
    original: str
    seller: str
    billed_to: str
    student: str
    gstin: str
    state: str
    place_of_supply: str
    description: str
    sac: str
    quantity: str
    price: str
    price_with_tax: str
    discount: str
    amount: str
    taxable: str
    tax_summary: str
    rate: str
    tax: str
    total: str
    in_words: str
    no_reverse_charge: str
    undertaking: str
    with_igst: str
    no_tax: str
    footer: str
    page: str


TITLES: Final[dict[Language, dict[InvoiceKind, str]]] = {
    "en": {
        InvoiceKind.TAX_INVOICE: "Tax invoice",
        InvoiceKind.BILL_OF_SUPPLY: "Bill of supply",
        InvoiceKind.RECEIPT: "Receipt",
        InvoiceKind.CREDIT_NOTE: "Credit note",
    },
    "hi": {
        InvoiceKind.TAX_INVOICE: "कर बीजक",
        InvoiceKind.BILL_OF_SUPPLY: "प्रदाय का बिल",
        InvoiceKind.RECEIPT: "रसीद",
        InvoiceKind.CREDIT_NOTE: "जमा पत्र",
    },
}
LABELS: Final[dict[Language, Labels]] = {
    "en": Labels(
        number="Number",
        date="Date",
        order="Order",
        payment="Payment",
        original="Against",
        seller="Seller",
        billed_to="Billed to",
        student="Student",
        gstin="GSTIN",
        state="State",
        place_of_supply="Place of supply",
        description="Description",
        sac="SAC",
        quantity="Quantity",
        price="Price",
        price_with_tax="Price with GST",
        discount="Discount",
        amount="Amount",
        taxable="Taxable value",
        tax_summary="Taxes by SAC",
        rate="Rate",
        tax="Tax",
        total="Total",
        in_words="In words",
        no_reverse_charge="Tax is not payable on reverse charge.",
        undertaking="Supply meant for export under a letter of undertaking without payment of integrated tax:",
        with_igst="Supply meant for export on payment of integrated tax.",
        no_tax="The seller is not registered for GST; no tax is charged.",
        footer="Made by a computer; it needs no signature.",
        page="Page",
    ),
    "hi": Labels(
        number="संख्या",
        date="दिनांक",
        order="ऑर्डर",
        payment="भुगतान",
        original="मूल बीजक",
        seller="विक्रेता",
        billed_to="प्राप्तकर्ता",
        student="विद्यार्थी",
        gstin="GSTIN",
        state="राज्य",
        place_of_supply="प्रदाय का स्थान",
        description="विवरण",
        sac="SAC",
        quantity="मात्रा",
        price="मूल्य",
        price_with_tax="GST सहित मूल्य",
        discount="छूट",
        amount="राशि",
        taxable="कर योग्य मूल्य",
        tax_summary="SAC के अनुसार कर",
        rate="दर",
        tax="कर",
        total="कुल",
        in_words="शब्दों में",
        no_reverse_charge="कर प्रतिलोम प्रभार पर देय नहीं है।",
        undertaking="एकीकृत कर के भुगतान के बिना, वचनबंध पत्र के अधीन निर्यात के लिए प्रदाय:",
        with_igst="एकीकृत कर के भुगतान पर निर्यात के लिए प्रदाय।",
        no_tax="विक्रेता GST में पंजीकृत नहीं है; कोई कर नहीं लिया गया।",
        footer="कंप्यूटर द्वारा बनाया गया; हस्ताक्षर की आवश्यकता नहीं।",
        page="पृष्ठ",
    ),
}
