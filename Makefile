# make setup   set everything up in .venv
# make run     set everything up and run an experiment:  make run EXPERIMENT=config/minibank.yaml CORES=8
# make test    set everything up and run the tests, but for those that kill runs for minutes (PYTEST='-m ""': all)
# make check   format, lint, layers, types
# make docs    the documentation site, into build/docs/; its tutorial runs
# make dist    wheel and source distribution, into dist/
# make lock    derive envs/*.lock from pyproject.toml (LOCK='--upgrade-package numpy': with a newer numpy)
# make bench   what attribution and the other stages cost here, after make run (a quarter of an hour); into benchmarks/results
# make format  format the code

EXPERIMENT ?= config.yaml
CORES ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
GPUS ?= 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# As it was typed: a file's name may hold spaces, quotes and dollars.
export IGSED_EXPERIMENT := $(value EXPERIMENT)

.PHONY: run test check docs bench format dist lock setup

run: setup
	@python -m workflow.run --cores $(CORES) --gpus $(GPUS) -- "$$IGSED_EXPERIMENT"

test: setup
	python -m pytest -n $(CORES) $(PYTEST)

check: setup
	ruff format --check .
	ruff check .
	snakefmt --check Snakefile workflow
	lint-imports
	mypy
	snakemake --lint

docs: setup
	@bash envs/setup.sh docs
	@rm -rf docs/api/modules build/docs
	@python -m sphinx -E -W --keep-going -q -b html -d build/doctrees docs build/docs
	@echo "The documentation is in build/docs/index.html."

bench: setup
	python -m benchmarks.attribution results/default/mixtures/test/audio --growth --name attribution_here
	python -m benchmarks.stages --cores $(CORES) --name stages_here

format: setup
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow

dist: setup
	rm -rf build dist
	python -m build --no-isolation --outdir dist . >/dev/null

lock:
	@bash envs/lock.sh $(LOCK)

setup:
	@bash envs/setup.sh
