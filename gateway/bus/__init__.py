"""NATS: the connection, the room log on JetStream, and reads of it."""
