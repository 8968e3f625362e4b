# Crossgate. `make` alone lists the targets; each one that needs the environment makes it first.
#
#   make test PYTHON=python3.13     use another interpreter (its environment is .venv all the same)

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip
STAMP  := $(VENV)/.installed
LOCK   := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
          --no-emit-index-url --no-emit-find-links --extra postgres

# Recipes find the environment's own tools first.
export PATH := $(CURDIR)/$(BIN):$(PATH)

# The interpreter that the environment was made with; another one makes it anew.
WANTED := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
FOUND  := $(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# Without PYTHON on the command line, an environment that is there is taken as it is.
REMAKE := $(if $(filter command line environment,$(origin PYTHON)),$(if $(filter $(WANTED),$(FOUND)),,yes))

.DEFAULT_GOAL := help
.PHONY: help install demo test check format parties bench fuzz docs lock clean $(if $(REMAKE),$(STAMP))

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv with the locked dependencies and Crossgate itself

# Only pip is needed beforehand. Three tries, because a registry that stumbles once is no reason to fail;
# a hash that does not match fails all three. The project is built by the locked setuptools: no network.
$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Crossgate needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make $(or $(MAKECMDGOALS),install) PYTHON=python3.13"; exit 2; }
	$(if $(REMAKE),rm -rf $(VENV))
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@for try in 1 2 3; do \
	  $(PIP) install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
	    -r requirements-dev.lock && break; \
	  test $$try -lt 3 || { echo "The dependencies could not be installed; see above."; exit 1; }; \
	  echo "Trying again ($$try of 3 failed)"; sleep $$((try * 3)); \
	done
	@$(PIP) install --quiet --disable-pip-version-check --no-build-isolation --no-deps --no-index --editable .
	@touch $@

demo: $(STAMP) ## Run a broker with a sample SAML IdP, OIDC IdP and app
	crossgate demo

# The databases that tests make are as durable as real ones: in memory, where there is room, a sync costs nothing.
test: $(STAMP) ## Run the tests that need nothing but Python
	@space=$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }'); \
	test "$${space:-0}" -gt 2000000 && parent=/dev/shm || parent=$${TMPDIR:-/tmp}; \
	scratch=$$(mktemp -d "$$parent/crossgate-tests.XXXXXX"); trap 'rm -rf "$$scratch"' EXIT; \
	pytest -n auto -m "not parties and not browser" --basetemp="$$scratch/pytest" tests

check: $(STAMP) ## Lint, formatting, types, import contracts, the shape of the code and the docs
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest -q -p no:randomly tests/test_shape.py tests/test_docs.py

format: $(STAMP) ## Rewrite the code as `make check` wants it
	ruff check --fix .
	ruff format .

parties: $(STAMP) ## Test against other vendors' software, PostgreSQL, Redis and a browser
	tests/parties/run.sh

bench: $(STAMP) ## Measure against peers
	python -m bench

fuzz: $(STAMP) ## Send bad input to every route; FUZZ_SECONDS sets how long (600)
	python -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),600)

docs: $(STAMP) ## Build the documentation into site/
	mkdocs build --strict --quiet

# The development lock is resolved first and bounds the other, so that what is tested is what runs.
lock: $(STAMP) ## Resolve the dependencies anew into both lock files (UPGRADE=1 takes newer versions)
	uv pip compile -q $(LOCK) --extra dev $(if $(UPGRADE),--upgrade) -o requirements-dev.lock pyproject.toml
	uv pip compile -q $(LOCK) -c requirements-dev.lock -o requirements.lock pyproject.toml

clean: ## Remove the environment and everything built
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
