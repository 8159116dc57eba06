-- What a user was told by webhooks of notifications goes with the user.
CREATE INDEX integrations_delivery_notification ON integrations_delivery (subject)
    WHERE event = 'integrations.notification';
