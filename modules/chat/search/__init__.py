"""The search of messages, in the rooms that the reader may read now."""
