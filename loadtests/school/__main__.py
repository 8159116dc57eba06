"""Plays a class of 200 and a program of 50, and compares every figure: `python -m loadtests.school`."""

from __future__ import annotations

import uvloop

from loadtests.school.play import play


def main() -> int:
    faults = uvloop.run(play())
    for fault in faults:
        print(fault)
    print(f"{len(faults)} figure(s) differ")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
