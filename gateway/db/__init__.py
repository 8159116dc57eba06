"""PostgreSQL: the engine, migrations, and the kernel's tables."""
