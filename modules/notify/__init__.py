"""Notifications: what people should hear of, once, where and when they accept it."""
