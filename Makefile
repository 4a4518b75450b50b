# Everything runs in .venv, which the first target that needs it makes. `make app` and `make test` are all one needs.

PYTHON ?= python3
BIN := .venv/bin
DONE := .venv/.installed

.PHONY: app test install check demo bench lock clean

app: $(DONE) ## start the app on http://localhost:8501
	@$(BIN)/rlm-app serve

test: $(DONE) ## run all tests
	@$(BIN)/pytest

install: $(DONE) ## make .venv with the pinned, hashed dependencies

$(DONE): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rlm-app needs Python 3.11 or newer, and this is " + sys.version.split()[0] + "; name another with PYTHON=python3.12.")'
	@test -x $(BIN)/python || { echo "Installing into .venv; this takes a minute, once." && $(PYTHON) -m venv .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

check: $(DONE) ## formatting, lint, types and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

demo: $(DONE) ## ask a question of this very repository, without a key
	@$(BIN)/rlm-app ask . "Where is a citation checked against the source?" --model keyless/bm25

bench: $(DONE) ## measure; prints tables, asserts nothing
	@for bench in tests/performance/bench_*.py; do $(BIN)/python -m tests.performance.$$(basename $$bench .py) || exit 1; done

lock: ## compile requirements.txt from pyproject.toml, with uv
	uv pip compile --quiet --universal --generate-hashes --group dev --python-version 3.11 \
		--custom-compile-command "make lock" pyproject.toml --output-file requirements.txt
	echo deno | uv pip compile --quiet --universal --generate-hashes --no-annotate \
		--custom-compile-command "make lock" - --output-file .ci/pyodide.txt

clean: ## remove .venv and caches; stored runs stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
