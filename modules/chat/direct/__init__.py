"""Direct rooms: pairs and small groups, who may write in them, and whom a user has blocked."""
