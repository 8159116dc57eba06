"""Coupons: who makes them, what they take off a price, and how their limits hold when many use them at once."""
