# What a newcomer needs: `make quickstart`, `make repro` and `make test`. `make test-all` runs every test.
# Unset in a shell, it would make every process recompile its imports.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export PYTHONPATH := $(CURDIR)
PYTHON ?= python3

.PHONY: install install-spark install-comment quickstart repro test test-all test-spark lint format lock docs ui ui-monitor report rehearse faults situations prove bench bench-large score mutants evidence simulate-year cml clean
.DEFAULT_GOAL := repro

install: .venv/installed

# its commands name their Python by its path: in a checkout that was renamed all are made again
INSTALLED := $(shell cat .venv/installed 2>/dev/null)
ifneq "$(or $(INSTALLED),$(realpath .venv))" "$(realpath .venv)"
CLEAR := --clear
.PHONY: .venv/installed
endif

.venv/installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d; set PYTHON=python3.12, say" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(CLEAR) .venv
	.ci/install -r requirements.txt
	PYTHONWARNINGS=ignore .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	rm -rf plumbline.egg-info # of the build; not needed, and older commits do not ignore it
	# DVC unpickles its state: a place of its own, closed to others (config.local is not in git)
	.venv/bin/python -c 'from pathlib import Path; from plumbline.repo import state; state.keep_private(Path("."))'
	cd .venv && pwd -P > installed

# pyspark, for `engine: spark://...` (docs/machine.md): beside the other packages, some of which import it if they can
install-spark: .venv/spark/installed

.venv/spark/installed: requirements-spark.txt | install
	rm -rf .venv/spark
	.ci/install --target .venv/spark --no-build-isolation -r requirements-spark.txt
	touch $@

# what `python -m plumbline comment` needs: a few packages of the same lock
install-comment:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-comment.txt

# a first look: all stages on a small world, in quickstart/, which git ignores
quickstart: install
	python -m bench.quickstart

repro: install
	dvc repro

# worksteal: who has nothing left to do takes tests from the other
PYTEST := pytest -n 2 --dist worksteal
SMALL_RUN := tests/mltest/test_pipeline.py

# functions, data, models, and one small run of the whole graph
test: install
	@.ci/state > .venv/testing || true
	$(PYTEST) --cov --cov-report=term:skip-covered --cov-fail-under=90 tests/code tests/data tests/model $(SMALL_RUN)
	@if .ci/state | cmp -s - .venv/testing; then mv .venv/testing .venv/tested; fi

# every test; those of `make test` are not repeated where it has just passed on these very files, and the
# others run three at a time: a third of their time they wait for servers, disks and processes
test-all: install
	@if [ -s .venv/tested ] && .ci/state | cmp -s - .venv/tested; \
	then echo "make test has passed on these files; the other tests follow"; else $(MAKE) test; fi
	@$(MAKE) test-spark > .venv/test-spark.log 2>&1 & spark=$$!; \
	$(PYTEST) -n 3 tests/mltest tests/system --ignore=$(SMALL_RUN); result=$$?; \
	wait $$spark || result=1; cat .venv/test-spark.log; exit $$result

# on a cluster of a master and two workers on this machine (Java 17 or newer)
test-spark: install-spark
	$(PYTEST) -n 0 tests/spark

lint: install
	ruff check .
	ruff format --check .
	mypy
	lint-imports

format: install
	ruff check --fix .
	ruff format .

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --upgrade --quiet requirements.in requirements-dev.in -o requirements.txt
	for name in requirements-comment requirements-spark deploy/requirements-serve deploy/requirements-mlflow; do \
	  uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet -c requirements.txt $$name.in -o $$name.txt || exit; \
	done
	python -m plumbline environment

# the reference pages of docs/, from the code
docs: install
	python -m docs.reference

ui: install
	python -m plumbline mlflow-ui

# the monitor's page of each use case, from disk; `python -m plumbline alert` tells people (docs/monitoring.md)
ui-monitor: install
	python -m plumbline open-monitor

BASE ?= main
report: install
	python -m plumbline compare $(BASE) --json reports/change.json
	python -m plumbline report reports/change.json --markdown reports/change.md --html reports/change.html

# every scenario of a pull request, from the push to the comment, on this machine alone
rehearse: install
	python -m tests.rehearsal

# CML's last release, where CML_SHA256 says what its bytes must be; without it comments go by REST
CML_URL ?= https://github.com/iterative/cml/releases/download/v0.20.6/cml-linux-x64
cml:
	@rm -rf .cml && mkdir .cml
	@if [ -z "$$CML_SHA256" ]; then echo "::notice::CML_SHA256 is not set: no CML, comments go by REST"; \
	elif curl --fail --location --silent --show-error --output .cml/part "$(CML_URL)" \
	  && echo "$$CML_SHA256  .cml/part" | sha256sum --check --status; \
	then mv .cml/part .cml/cml && chmod +x .cml/cml && echo "CML: .cml/cml"; \
	else rm -f .cml/part; echo "::warning::CML was not fetched, or its bytes are not those of CML_SHA256; comments go by REST"; fi

prove: install
	python -m bench.prove

bench: install
	python -m bench.pipeline

# 1, 10, 35 and 100 million events: hours, and 60 GB of disk; one size: make bench-large ARGS="--sizes 10"
bench-large: install
	python -m bench.large $(ARGS)

faults: install
	$(PYTEST) tests/system/test_faults.py -p tests.faults.table

# what people's repositories are like, and what the commands do there: the marked tests, and their table
situations: install
	$(PYTEST) --situations tests

# the ML Test Score: the marked tests, a planted fault for each, the card (docs/ml-test-score.md)
score: install
	$(PYTEST) --mltest all
	$(MAKE) mutants
	python -m plumbline mltest

# figures of the score that take minutes: what each feature earns, how well its code is tested
evidence: install
	python -m plumbline feature-value card_fraud --json docs/evidence/card_fraud/feature_value.json
	python -m bench.mutation --json docs/evidence/mutation.json

# months of payments under four policies, and the loop from drift to new champion (docs/simulated-year.md)
simulate-year: install
	python -m bench.simulate_year

# each planted fault in a copy of the project: does a test of its id notice?
mutants: install
	python -m bench.mutants $(if $(ONLY),--only "$(ONLY)")

# products that a command makes again, by name, each shown; `plumbline clean` only shows them
clean: install
	python -m plumbline clean --apply
