"""Many students pay at once, through a vendor that fails and gateways that are killed; then the books are compared."""
