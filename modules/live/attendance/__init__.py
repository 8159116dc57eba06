"""Who was in a session and for how long, and what is made of it after the end."""
