"""Tests; the folders mirror the code they are about."""
