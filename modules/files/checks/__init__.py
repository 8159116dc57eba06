"""What a file must be to be stored: of an allowed type, and in its bytes what its type says."""
