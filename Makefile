# make build: set up and run the whole job on the sample company.   make test: set up and run all checks.   make check: the quick ones.
PYTHON ?= python3
VENV := .venv
KPI := $(VENV)/bin/kpi
SAMPLE := sample/landing
SAMPLE_AS_OF := 2026-10-31
export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: bench build check fuzz test test-bi lint lint-sql docs messages lock system-packages clean

build: $(VENV)/.installed $(SAMPLE)
	$(KPI) build --company sample
	@mkdir -p target && cp $(or $(KPI_WAREHOUSE),warehouse)/current/semantic_manifest.json target/  # where plain mf looks
	@echo "next: $(KPI) show revenue   $(KPI) show win_rate --by sales_rep   $(KPI) --help"

# What to run while working: a few minutes.
check: lint
	$(VENV)/bin/python -m pytest -n 2 -m "not slow"

test: lint lint-sql
	$(VENV)/bin/python -m pytest -n 2

# Damaged files by the thousand: hours. FUZZ_EXAMPLES says how many of each kind.
fuzz: $(VENV)/.installed
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),20000) $(VENV)/bin/python -m pytest tests/test_fuzz.py

# Apache Superset on the marts: some minutes, and an environment of its own.
test-bi: $(VENV)/.installed .venv-superset/.installed
	$(VENV)/bin/python -m pytest tests/bi

.venv-superset/.installed: tests/bi/requirements.txt
	@test -d .venv-superset || $(PYTHON) -m venv .venv-superset
	@echo "installing Apache Superset into .venv-superset (some minutes) ..."
	@.venv-superset/bin/python -m pip install --quiet --no-deps --require-hashes -r tests/bi/requirements.txt
	@touch $@

# What a build takes against its floor, at the sample company's size or SCALE="1 10 100"; writes docs/performance.md.
bench: $(VENV)/.installed
	$(VENV)/bin/python benchmarks/bench.py $(or $(SCALE),1)

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/mypy

# dbt, which renders the models for it, wants a database file to connect to.
lint-sql: $(VENV)/.installed
	@mkdir -p target/lint
	KPI_WAREHOUSE=target/lint $(VENV)/bin/sqlfluff lint models --processes 2

docs: $(VENV)/.installed
	$(VENV)/bin/python -m orchestration.docs.pages
	$(VENV)/bin/python -m orchestration.docs.licenses

# Brings the messages of code and templates into the catalogue of translations; what is new waits there for its Korean.
messages: $(VENV)/.installed
	@mkdir -p target
	$(VENV)/bin/pybabel -q extract -F pyproject.toml --no-wrap --sort-output --add-location=file -o target/messages.pot .
	$(VENV)/bin/pybabel -q update -i target/messages.pot -d locale -D sales_kpis --no-wrap --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

$(SAMPLE): | $(VENV)/.installed
	rm -rf $@.partial
	@$(KPI) sample --as-of $(SAMPLE_AS_OF) $@.partial > /dev/null
	mv $@.partial $@

# The stamp is written last, so an install that broke off is done again.
$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "the venv module is needed (Debian, Ubuntu: apt-get install python3-venv)"; exit 2; }
	@echo "installing the pinned packages into $(VENV) (about a minute) ..."
	@$(VENV)/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements.txt
	@$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@mkdir -p warehouse  # plain dbt and sqlfluff connect to a file in it, built or not
	@touch $@

# Pins requirements.in anew, for every platform, with hashes and no address of a registry.
lock: $(VENV)/.installed
	$(VENV)/bin/python -m pip install --quiet uv
	@for folder in . tests/bi; do \
		$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-strip-extras --no-header --output-file $$folder/requirements.txt $$folder/requirements.in; \
	done

# What some tests need and pip cannot install, on Debian and Ubuntu: a browser, a PostgreSQL server, its ODBC driver.
DEBIAN_PACKAGES := chromium libodbc2 odbc-postgresql postgresql
system-packages:
	@dpkg-query --show $(DEBIAN_PACKAGES) > /dev/null 2>&1 || \
		(apt-get update -q && apt-get install -y -q --no-install-recommends $(DEBIAN_PACKAGES))

clean:
	rm -rf $(SAMPLE) target logs
