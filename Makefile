# Uses the environment that the README's test command creates in .venv.
.PHONY: check test quick demo pictures lock

check:  # lint, format, types
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/hadolint Dockerfile
test:  # all tests
	.venv/bin/python -m pytest
quick:  # the tests that need no process, browser or PostgreSQL
	.venv/bin/python -m pytest -m quick
demo:  # the bot in a simulated Discord, in the browser
	.venv/bin/python -m bot demo
pictures:  # the pictures in docs, taken from the demo
	.venv/bin/python -m tools.pictures
lock:  # write the locks after a change of pyproject.toml
	PATH="$(CURDIR)/.venv/bin:$$PATH" requirements/lock.sh
