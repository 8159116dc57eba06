"""Amazon SES: takes mails by its v2 API, keeps them as they came, and tells what became of them."""
