# Each target is complete on a fresh machine with Python (3.11 or newer) and make. What is installed stands in $(VENV);
# stamp files there make a second call quick.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# One CuPy a machine: the one for the driver where there is a GPU, else the part that compiles kernels without one.
CUDA := $(shell nvidia-smi 2>/dev/null | sed -n 's/.*CUDA Version: \([0-9]*\).*/\1/p')
CUPY := $(if $(CUDA),$(if $(filter 12,$(CUDA)),cuda12,cuda13),contract)

# Tests run side by side: one BLAS thread each, unless the caller says otherwise.
THREADS := OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1}

.PHONY: help train test standin lint docs bench gpu gpu-nccl hips clean

help:  ## Say what can be made.
	@sed -n 's/^\([a-z-]*\):.*##/make \1\t/p' $(MAKEFILE_LIST)

train: $(VENV)/.train  ## Install, then train a network on 1797 handwritten digits: the main job.
	$(BIN)/pullback train digits

# Bytecode is kept, whatever the environment says of it: tests start 200 processes, each of which imports the package.
test: $(VENV)/.test  ## Install what the tests need, then run the whole suite.
	$(THREADS) PYTHONDONTWRITEBYTECODE= $(BIN)/python -P -m pytest -n $(JOBS) $(TESTS)

# Without a GPU, what stands in for CuPy is chosen as CuPy is where there is one: a test that names no library runs on it.
# Those that do have it among theirs in `make test`.
standin: $(VENV)/.test  ## Run the tests of rules, solves, models, optimisers and training on the stand-in for CuPy.
	PULLBACK_STANDIN=active $(THREADS) PYTHONDONTWRITEBYTECODE= $(BIN)/python -P -m pytest -n $(JOBS) \
		-k "not cupy_standin" $(or $(TESTS),$(addprefix tests/,autograd models optim pitfalls train))

lint: $(VENV)/.lint  ## Style, format, types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/lib build/bdist.* $(VENV)/typed
	$(PIP) --no-deps --target $(VENV)/typed .
	cd $(VENV)/typed && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml \
		--cache-dir $(CURDIR)/.mypy_cache -p pullback

# The site, in build/site: every example of the gallery is run, each warning is an error, and every link is followed. One
# BLAS thread each, since examples run side by side.
docs: $(VENV)/.docs  ## Build the site into build/site, and check it: no warning, no broken link.
	$(THREADS) $(BIN)/python -P -m sphinx --fail-on-warning --keep-going --quiet --jobs auto $(DOCS) docs build/site
	$(BIN)/python -P tools/check_links.py build/site

# The peers live in an environment of their own; BENCH_PYTHON=torch=/path/to/python,... takes them from others.
# BENCH="--only mlp,adam" measures these parts alone; BENCH=--list names them. How long it takes is said first.
bench: $(VENV)/.bench  ## Measure beside NumPy by hand, PyTorch, JAX and others, in about twenty minutes.
	$(VENV)/peers/bin/python benchmarks $(BENCH)

# On the GPU: the whole suite on CuPy, doctests and documentation included, NCCL with one rank for each GPU (a world of one
# where there is one), then the benchmarks beside PyTorch and JAX, in eight minutes; NCCL alone, in one:
# `make gpu-nccl`. Installs nothing, since GPU machines are often cut off: it takes $(PYTHON) as it is, with the checkout in
# front of its path.
gpu: .site/pullback  ## Test and measure on a GPU with PYTHON as it is (make gpu PYTHON=python3).
	PYTHONPATH=$(CURDIR)/.site$${PYTHONPATH:+:$$PYTHONPATH} $(PYTHON) tools/gpu.py $(GPU)

gpu-nccl: .site/pullback  ## Test NCCL on this machine's GPUs with PYTHON as it is, and measure it.
	PYTHONPATH=$(CURDIR)/.site$${PYTHONPATH:+:$$PYTHONPATH} $(PYTHON) tools/gpu_nccl.py $(GPU)

# The measure of `pullback.compat.autograd`; HIPS=/path/to/checkout-or-sdist saves the download.
hips: $(VENV)/.test  ## Run the tests of HIPS autograd on pullback.compat.autograd.
	$(THREADS) $(BIN)/python -P tools/hips_suite.py $(HIPS)

clean:  ## Remove environments and build products.
	rm -rf $(VENV) .site .gpu-run build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	rm -rf docs/gallery docs/reference docs/_generated

.site/pullback:
	mkdir -p .site
	ln -sfn .. $@

# What is installed is told in a line each; pip itself is quiet.
$(VENV)/.made:
	@echo "making an environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip
	@touch $@

$(VENV)/.train: $(VENV)/.made pyproject.toml
	@echo "installing pullback with what training needs, into $(VENV); once, in a minute or two"
	@$(PIP) --editable '.[train]'
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml
	@echo "installing pullback with what the tests need, into $(VENV); once, in some minutes"
	@$(PIP) --editable '.[train,fast,test,$(CUPY)]'
	@touch $@ $(VENV)/.train

$(VENV)/.lint: $(VENV)/.test pyproject.toml
	@echo "installing what checks style and types, into $(VENV)"
	@$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	@echo "installing what builds the site, into $(VENV); once, in some minutes"
	@$(PIP) --editable '.[train,fast,dask,mpi,playground,docs]'
	@touch $@

$(VENV)/.bench: $(VENV)/.made pyproject.toml benchmarks/requirements.txt
	$(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement benchmarks/requirements.txt --editable '.[fast]'
	touch $@
