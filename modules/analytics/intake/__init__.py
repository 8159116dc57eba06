"""From the streams to the store: facts of all modules' events, and client events."""
