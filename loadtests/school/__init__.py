"""A school that is played by clients, who keep books of what they did; the dashboards must say the same."""
