"""Invoices and credit notes: numbered once, printed as they were, kept."""
