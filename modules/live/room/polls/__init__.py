"""Polls and quizzes of a session's room."""
