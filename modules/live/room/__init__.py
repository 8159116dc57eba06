"""What members do in a session's room: questions, polls, hands, reactions, moderation."""
