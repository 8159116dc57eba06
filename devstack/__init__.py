"""PostgreSQL, NATS and gateways as supervised child processes, for `ksmp dev` and the tests."""
