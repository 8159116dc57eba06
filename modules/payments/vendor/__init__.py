"""The adapter for Razorpay: in payments, only it uses the vendor's SDK."""
