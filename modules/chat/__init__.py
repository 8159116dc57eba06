"""Chat in the rooms of live sessions."""
