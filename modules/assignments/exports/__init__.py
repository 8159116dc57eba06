"""All submissions of an assignment as one archive, with a manifest."""
