# Every task by one name; each is a single command that also runs by itself.
.PHONY: dev test lint bench load

dev:
	uv run ksmp dev

test:
	uv run pytest

lint:
	uv run ruff check .
	uv run ruff format --check .
	uv run mypy
	uv run lint-imports

bench:
	uv run python -m loadtests.bench

load:
	uv run python -m loadtests.classroom
