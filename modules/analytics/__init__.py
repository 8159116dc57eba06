"""Figures of classes, programs and the business: facts in, measures and dashboards out."""
