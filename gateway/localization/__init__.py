"""Texts in the languages of readers: money, numbers and times as they write them, and catalogues of translations."""
