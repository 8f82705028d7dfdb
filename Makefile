# `make run` starts HuleEdu, `make test` runs every check and test, `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WANTED := HuleEdu needs Python 3.11 or later, for example: make run PYTHON=/usr/bin/python3.11
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes

.DEFAULT_GOAL := help
.PHONY: help install run test check branches bench chaos fuzz audit demo format lock messages clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 - \2/p' $(MAKEFILE_LIST)
	@echo
	@echo "  Settings: HULEEDU_PORT=8000 HULEEDU_VAR=./var DATABASE_URL= REDIS_URL= PYTHON=python3"

install: $(VENV)/.installed ## Install what HuleEdu needs, without starting it
	@$(BIN)/python -c "from huleedu.machine import stepping_down; print(stepping_down.after_install() or 'HuleEdu is installed.')"

run: $(VENV)/.installed ## Start HuleEdu on port 8000, until Ctrl-C
	@$(BIN)/python manage.py run

demo: $(VENV)/.installed ## Fill the running HuleEdu with a sample batch
	@$(BIN)/python manage.py demo

test: $(VENV)/.installed-dev ## Run all checks and tests, or a part: ARGS="tests/files -k folder"
	@$(BIN)/python -m huleedu.embedded -- $(BIN)/python tests/run.py $(ARGS)

check: $(VENV)/.installed-dev ## Run the checks without the tests
	@$(BIN)/python -m huleedu.embedded -- $(BIN)/python tests/run.py --checks

branches: $(VENV)/.installed-dev ## Count the branches that the tests of modules take, and hold them against the bound
	@$(BIN)/python -m huleedu.embedded -- $(BIN)/python tests/run.py --branches

bench: $(VENV)/.installed-bench ## Measure speed beside its peers (FIGURES="--quick relay")
	@$(BIN)/python -m tests.benchmarks $(FIGURES)

chaos: $(VENV)/.installed-dev ## Kill and cut everything under load: SEED=1 MINUTES=3
	@$(BIN)/python -m tests.faults.chaos --seed $(or $(SEED),1) --minutes $(or $(MINUTES),3)

fuzz: $(VENV)/.installed-dev ## Hold a running copy against its description: SEED=1 MINUTES=3
	@$(BIN)/python -m tests.faults.fuzz --seed $(or $(SEED),1) --minutes $(or $(MINUTES),3)

audit: $(VENV)/.installed-audit ## Look for published weaknesses and old versions (needs a network)
	@$(BIN)/python tests/audit.py

format: $(VENV)/.installed-dev ## Format code and templates
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .
	@$(BIN)/djade --target-version 5.2 $$(find templates -name "*.html") || true

messages: $(VENV)/.installed-dev ## Collect and compile translations (needs gettext)
	@$(BIN)/python manage.py makemessages --locale sv --no-obsolete --ignore .venv --ignore var
	@$(BIN)/python manage.py compilemessages --locale sv --ignore .venv

lock: ## Pin requirements*.in with hashes
	@test -x $(VENV)/lock/bin/pip || $(PYTHON) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/pip --disable-pip-version-check install --quiet pip-tools
	@for name in requirements requirements-dev requirements-bench requirements-audit; do \
	  $(VENV)/lock/bin/pip-compile --quiet --no-header --generate-hashes --allow-unsafe --strip-extras \
	    --no-emit-index-url --no-emit-find-links --output-file $$name.txt $$name.in || exit 1; done

clean: ## Remove the virtual environment and caches (not ./var)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# Not one command after the other: each says what is missing before the next could fail for want of it.
$(VENV)/.installed: requirements.txt
	@command -v $(firstword $(PYTHON)) >/dev/null \
	  || { echo "PYTHON=$(PYTHON): there is no such program. $(WANTED)"; exit 1; }
	@test "$$($(PYTHON) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null)" = True \
	  || { echo "PYTHON=$(PYTHON) is $$($(PYTHON) --version 2>&1 </dev/null | head -n 1), which is not enough. $(WANTED)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "PYTHON=$(PYTHON) cannot make virtual environments: its modules venv and ensurepip are missing." \
	  "On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing what HuleEdu needs (a minute or two, only when it changed) ..."
	@$(PIP) -r requirements.txt
	@$(BIN)/python -m essays.steps.unused
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/.installed-audit: requirements-audit.txt $(VENV)/.installed
	@echo "Installing what looks for weaknesses ..."
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-audit.txt
	@touch $@

$(VENV)/.installed-bench: requirements-bench.txt $(VENV)/.installed-dev
	@echo "Installing the peers to measure beside ..."
	@$(PIP) -r requirements-bench.txt
	@touch $@
