"""What becomes of a file in quarantine: its bytes are compared with their checksum, and shown to the scanner."""
