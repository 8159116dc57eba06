"""REST: the middlewares and conventions that all routes share, the API's description, health and metrics."""
