"""The words of notifications, in the language and the zone of the reader: plurals, money, times."""
