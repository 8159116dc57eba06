"""Tests of the kernel's HTTP routes, against a real gateway."""
