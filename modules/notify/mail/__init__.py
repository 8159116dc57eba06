"""What a platform may send to an address: suppressions, unsubscribing, and what SES tells of mails."""
