"""Pushes to many devices, while FCM fails for some and a gateway is killed; then what each device shows is compared."""
