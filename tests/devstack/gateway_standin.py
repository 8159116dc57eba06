"""A program that looks like a gateway to `ksmp dev`: it listens on KSMP_PORT and says that it is ready.

`STANDIN=stubborn` makes it ignore SIGTERM, `STANDIN=broken` makes it fail at once.
"""

import os
import signal
import socket
import sys


def main() -> None:
    mode = os.environ.get("STANDIN")
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "broken":
        sys.exit("ValueError: the stand-in was told to fail")
    with socket.create_server(("127.0.0.1", int(os.environ["KSMP_PORT"]))) as server:
        while True:
            client, _ = server.accept()
            with client:
                status = "200 OK" if client.recv(65_536).startswith(b"GET /health/ready ") else "404 Not Found"
                client.sendall(f"HTTP/1.0 {status}\r\n\r\n".encode())


if __name__ == "__main__":
    main()
