"""Tests of direct rooms."""
