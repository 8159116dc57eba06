"""Live classes: sessions, their rooms, video, attendance and recordings."""
