"""HTTP routes of the kernel: health, metrics, errors, and what only `ksmp dev` serves."""
