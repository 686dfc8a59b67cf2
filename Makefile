# make run    set everything up and run the default experiment
# make test   set everything up and run the tests
# make check  format, lint, layers

EXPERIMENT ?= config.yaml
CORES ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
GPUS ?= 1
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test check format setup clean

run: setup
	$(BIN)/python -m igsed run --configfile $(EXPERIMENT) --cores $(CORES) --gpus $(GPUS)

test: setup
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile workflow

setup:
	@bash envs/setup.sh

clean:
	rm -rf .venv
