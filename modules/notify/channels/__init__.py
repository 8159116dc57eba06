"""The channels that this module brings: ways to reach people."""
