"""Push: Firebase Cloud Messaging by its v1 endpoint, for Android, iOS and browsers."""
