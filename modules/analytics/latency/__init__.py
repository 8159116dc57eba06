"""The latency that gateways measure of themselves, as facts."""
