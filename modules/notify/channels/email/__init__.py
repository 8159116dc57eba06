"""E-mail: a notification as a mail with text and HTML, sent by Amazon SES."""
