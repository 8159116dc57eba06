"""When a student has completed a program, and the certificate of it."""
