"""What users choose: which kinds on which channels, quiet hours, their language, and rooms that they mute."""
