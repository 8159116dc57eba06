"""The stand-in for Razorpay. README.md beside it says what it does."""
