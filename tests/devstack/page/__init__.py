"""The page of `ksmp dev` in a real browser."""
