"""Tests of the modules, through a real gateway."""
