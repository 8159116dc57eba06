"""The servers the gateway is measured beside."""
