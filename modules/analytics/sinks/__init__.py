"""What leaves the platform: events of users who allow it, to Mixpanel, to a warehouse, and where other modules say."""
