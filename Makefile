# `make demo` and `make test` are all a fresh machine needs: Python 3.10 to 3.13, pip and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The build backend warns of folders that shadow an editable package; here they are that package.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --disable-pip-version-check
TTSDOC := $(BIN)/ttsdoc

.PHONY: demo test quick integration lint golden clean

demo: $(VENV)/.installed ## Analyze the shipped example and write its corrected config.
	$(TTSDOC) analyze examples/amharic --exit-zero
	$(TTSDOC) fix examples/amharic/config.yaml > stable.yaml
	@echo "The corrected config is in stable.yaml:"
	@diff examples/amharic/config.yaml stable.yaml || true

test: $(VENV)/.tested ## Lint, types, tests.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2

quick: $(VENV)/.tested ## The essential: types, the story, plans, checks, readers; three minutes.
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 -m "not slow" tests/test_cli.py tests/test_plan.py tests/test_engine.py tests/checks tests/readers tests/config

integration: $(VENV)/.tested ## With other people's trainers, trackers and a real browser (Debian's chromium).
	$(BIN)/python -m pytest -m integration

lint: $(VENV)/.tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(VENV)/.tested ## Rewrite what is generated: docs, the reports of the examples, what each check says.
	$(BIN)/python -m tests.golden

clean:
	rm -rf $(VENV) stable.yaml build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --upgrade "pip>=25.1"
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.tested: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --quiet --upgrade "pip>=25.1"
	$(PIP) install --quiet --constraint constraints.txt --editable ".[train,data,remote,report,ui,alerts,agents]" --group dev --group integrations
	@touch $(VENV)/.installed $@
