"""The vendor's webhooks: stored before they are answered, and handled afterwards."""
