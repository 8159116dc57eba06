"""The benchmark: `python -m loadtests.bench`."""
