"""What people who are away are notified of: messages to them, mentions and replies."""
