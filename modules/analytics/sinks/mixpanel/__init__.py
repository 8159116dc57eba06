"""Events to Mixpanel, by its import, and the deletion of people's data there."""
