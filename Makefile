# The two that a newcomer needs: `make repro` and `make test`.
# Unset in a shell, it would make every process recompile its imports.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export PYTHONPATH := $(CURDIR)
PYTHON ?= python3

.PHONY: install repro test lint format lock ui report bench faults clean
.DEFAULT_GOAL := repro

install: .venv/installed

.venv/installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d; set PYTHON=python3.12, say" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	# DVC unpickles its state: a place of its own, closed to others (config.local is not in git)
	mkdir -p .dvc/tmp
	mkdir -p -m 700 .dvc/tmp/site
	chmod 700 .dvc/tmp/site
	dvc config --local core.site_cache_dir "$(CURDIR)/.dvc/tmp/site"
	touch $@

repro: install
	dvc repro

test: install
	pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered --cov-fail-under=90

lint: install
	ruff check .
	ruff format --check .
	mypy

format: install
	ruff check --fix .
	ruff format .

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --upgrade --quiet requirements.in -o requirements.txt

ui: install
	python -m plumbline ui

BASE ?= main
report: install
	python -m plumbline compare $(BASE) --json reports/change.json
	python -m plumbline report reports/change.json --markdown reports/change.md --html reports/change.html

bench: install
	python bench/pipeline.py

faults: install
	python -m pytest -n 2 --dist load tests/system/test_faults.py -p tests.faults.table

clean:
	git clean -xfd -e .venv -e .dvc/cache
