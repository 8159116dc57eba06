"""Real-time streaming: stages, their participants, compositions."""
