# make run   starts the app;   make test   runs every check.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/pip install --quiet --disable-pip-version-check
# torch of PyPI brings gigabytes of CUDA on Linux. This is PyTorch's own index of what needs no GPU.
TORCH_CPU ?= https://download.pytorch.org/whl/cpu
# Without it each process that a test starts, and each worker, would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-fast lint scripts types pytest screenshots format

run: $(VENV)/run
	$(BIN)/streamlit run app.py

test: lint types pytest

lint: $(VENV)/test scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# What checks the pages' own scripts, where there is node; CORRAL_NODE_REQUIRED, as in CI, makes a missing one a failure.
scripts:
	@if command -v npm > /dev/null; then \
		{ test node_modules/made -nt package-lock.json || { npm ci --silent --no-audit --no-fund && touch node_modules/made; }; } && \
		npm run --silent lint && npm run --silent types && npm run --silent test; \
	elif [ -n "$$CORRAL_NODE_REQUIRED" ]; then echo "npm is missing: install Node.js 18.18 or newer."; exit 1; \
	else echo "Scripts: not checked, as there is no npm."; fi

types: $(VENV)/test
	$(BIN)/mypy

# What is slow comes first (tests/conftest.py), so that no process waits for another's at the end. Of the browser's tests
# each process has a server, a browser and UMAP to itself, 2 GB: no more than two.
pytest: $(VENV)/test
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --ignore tests/browser
	$(BIN)/pytest --numprocesses auto --maxprocesses 2 --dist worksteal tests/browser

# What to run while one works: no browser, no database server, nothing killed, trained or installed.
test-fast: $(VENV)/test
	CORRAL_FAST=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --ignore tests/browser -m "not slow" -q

# The README's pictures, from a run of the browser tests.
screenshots: $(VENV)/test
	mkdir -p docs
	CORRAL_SCREENSHOTS=$(CURDIR)/docs $(BIN)/pytest tests/browser/test_main_loop.py tests/browser/test_separation.py \
		tests/browser/test_instrument.py::test_a_hundred_thousand_texts tests/browser/test_labels.py \
		tests/browser/test_classify.py tests/browser/test_proposals.py

format: $(VENV)/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Corral needs Python 3.11 or newer, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	touch $@

# Installed anew only when the requirements have changed.
$(VENV)/run: $(VENV)/made requirements.txt
	@echo "Installing what Corral needs into $(VENV): some minutes at the first time."
	@if [ "$$(uname)" = Linux ] && ! command -v nvidia-smi > /dev/null; then \
		$(PIP) --retries 0 --timeout 5 --no-deps --index-url $(TORCH_CPU) "$$(grep '^torch==' requirements.txt)" 2> /dev/null || \
		echo "$(TORCH_CPU) can't be reached: torch comes from where pip looks, perhaps with CUDA."; fi
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/test: $(VENV)/run requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	touch $@
