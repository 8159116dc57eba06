"""Tests of live, by its packages."""
