"""What the API's description is good for: linters find nothing, and the clients that generators make of it work."""
