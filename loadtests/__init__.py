"""What the gateway costs and carries, measured."""
