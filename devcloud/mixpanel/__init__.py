"""A stand-in for Mixpanel: `/import`, the deletion of people's data, and the events of one project."""
