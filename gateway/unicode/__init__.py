"""What Unicode says of characters and the standard library does not: which show nothing, and which look alike."""
