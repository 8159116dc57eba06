"""PostgreSQL: the engine, migrations, and the archive of rooms."""
