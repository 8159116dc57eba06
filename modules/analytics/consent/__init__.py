"""What users chose: whether client events name their subject, and whether events leave the platform."""
