"""Tests of the stand-in for Razorpay, by Razorpay's own SDK."""
