"""The wire contract without IO: bytes in, events out. PROTOCOL.md beside this file is its published form."""
