"""What each user has read, and how much is unread, over all their devices."""
