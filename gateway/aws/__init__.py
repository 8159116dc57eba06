"""What modules share that call AWS: clients, the translation of their errors, and signatures for S3.

A module keeps its calls in an adapter of its own. Only adapters know the SDK.
"""
