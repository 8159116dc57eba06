"""The index of messages: a row for each message of the archive, which counts, threads and searches go by."""
