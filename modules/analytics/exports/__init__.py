"""Figures and events as files: CSV, XLSX and Parquet."""
