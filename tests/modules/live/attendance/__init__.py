"""Tests of live: attendance."""
