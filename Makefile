PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Two processes of one thread: with two threads each they would wait for one another at every step of a training.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: run ui test test-all reliability lint types install

run: $(STAMP)
	$(BIN)/ccml run

ui: $(STAMP)
	$(BIN)/ccml ui

test: lint types
	$(PYTEST) -m "not slow"

test-all: lint types
	$(PYTEST)

# One after the other, because they measure times. The rows are written when a test fails, too.
reliability: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -m acceptance --junit-xml .pytest_cache/reliability.xml $(TESTS); failed=$$?; \
	$(BIN)/python benchmarks/reliability_table.py .pytest_cache/reliability.xml && exit $$failed

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

install: $(STAMP)

# torch first and alone: asked for together with packages that only want "some torch", a resolver may take another build.
$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$($(PYTHON) -c 'import tomllib; print(next(d for d in tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["platform"] if d.startswith("torch")))')"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[platform,dev]"
	touch $(STAMP)
