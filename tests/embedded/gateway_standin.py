"""A program that looks like a gateway to `ksmp dev`: it listens on KSMP_PORT and says that it is ready.

`STANDIN=stubborn` makes it ignore SIGTERM, `STANDIN=broken` makes it fail at once.
"""

from __future__ import annotations

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/health/ready"
        self.send_response(200 if found else 404)
        self.send_header("content-length", "0")
        self.end_headers()


def main() -> None:
    match os.environ.get("STANDIN"):
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case "broken":
            sys.exit("ValueError: the stand-in was told to fail")
    HTTPServer(("127.0.0.1", int(os.environ["KSMP_PORT"])), Handler).serve_forever()


if __name__ == "__main__":
    main()
