"""Sends what is due: claims, decides, writes, hands to the channel, and notes what became of it."""
