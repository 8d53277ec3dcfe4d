# Everything sets itself up; nothing needs to be run before.
PYTHON = .venv/bin/python

.PHONY: setup demo test check bench lock clean

setup:
	@scripts/setup.sh

demo: setup
	@scripts/demo.sh

test: setup check
	@$(PYTHON) -m pytest -n auto --dist loadfile

check: setup
	@$(PYTHON) -m ruff check src tests benchmarks
	@$(PYTHON) -m ruff format --check src tests benchmarks
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-cache

# Pins every package by version and hash; run after a change of the dependencies.
lock: setup
	@.venv/bin/uv pip compile -q --upgrade --generate-hashes --no-header --no-emit-index-url \
		--python-version 3.11 --extra dev -o requirements.lock pyproject.toml

bench: setup
	@for script in benchmarks/[a-z]*.py; do $(PYTHON) -m benchmarks.$$(basename $$script .py) || exit 1; done

clean:
	rm -rf .venv report build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
