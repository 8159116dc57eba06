"""What our rows and the vendor do not agree on."""
