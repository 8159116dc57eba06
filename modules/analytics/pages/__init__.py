"""The pages of analytics: dashboards in a browser, which read all they show from the API as the signed-in user."""
