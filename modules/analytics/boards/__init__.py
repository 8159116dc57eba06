"""Dashboards that people make themselves, and the language of their widgets."""
