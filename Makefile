# The two commands most people need are `make demo` and `make test`; plain `make` lists them all.
# Variables: make test PYTHON=python3.12 VENV=/elsewhere EXTRAS=dev PYTEST_ARGS="-x tests/clearing"
#            make bench BENCH_ARGS="--write docs/benchmarks.md"
#            make fuzz FUZZ_ARGS="--seconds 600 proof policy"
PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= all,dev
PYTEST_ARGS ?= -n 2 --dist loadfile --cov --cov-report term
BENCH_ARGS ?=
FUZZ_ARGS ?=

comma := ,
BIN := $(VENV)/bin
PEERS := .venv-peers
RAY := .venv-ray
FUZZ := .venv-fuzz
# Named after the extras, so that asking for others installs them.
STAMP := $(VENV)/.decent-gym-$(subst $(comma),-,$(EXTRAS))

# agents/ and training/ are not installed; they run from here.
export PYTHONPATH := .

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench bench-peers check-mechanisms contract live-kills live-load trust-figures truth reference ray-smoke fuzz clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make the environment in .venv; the other targets do it when needed

demo: $(STAMP)  ## a week of a real district, checked; a minute of training; a table
	@$(BIN)/python examples/demo.py

test: $(STAMP)  ## all tests, with coverage (kernels are compiled, so coverage leaves them out)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(STAMP)  ## ruff, formatting, mypy --strict
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict decent_gym

bench: $(STAMP)  ## measure everything on this machine, about five minutes
	@$(BIN)/python -m benchmarks.bench_all $(BENCH_ARGS)

bench-peers: $(STAMP) $(PEERS)/.ready $(PEERS)-assume/.ready  ## against ASSUME, CityLearn and EnvPool (2 GB, once)
	@$(BIN)/python -m benchmarks.bench_peers --assume $(PEERS)-assume/bin/python --envs $(PEERS)/bin/python $(BENCH_ARGS)

# torch is named exactly because the newest build would bring gigabytes of CUDA with it
$(PEERS)/.ready:
	@"$(PYTHON)" -m venv $(PEERS) && $(PEERS)/bin/python -m pip install --quiet citylearn==3.0.2 envpool==1.2.5 torch==2.13.0 && touch "$@"

$(PEERS)-assume/.ready:
	@"$(PYTHON)" -m venv $(PEERS)-assume && $(PEERS)-assume/bin/python -m pip install --quiet assume-framework==0.6.0 && touch "$@"

check-mechanisms: $(STAMP)  ## every mechanism: 10^5 books against its oracle, every lie; two minutes
	@$(BIN)/python -m benchmarks.check_mechanisms $(CHECK_ARGS)

contract: $(STAMP)  ## compile the settlement contract again and compare
	@$(BIN)/python -m tools.build_contract

live-kills: $(STAMP)  ## the live market while broker and server are killed; two minutes
	@$(BIN)/python -m benchmarks.kill_live $(LIVE_ARGS)

live-load: $(STAMP)  ## 10,000 offers of 100 participants in one round over a real broker
	@$(BIN)/python -m benchmarks.bench_live $(LIVE_ARGS)

trust-figures: $(STAMP)  ## the release figures of docs/trust.md, twenty minutes of CPU
	@for what in edits rollback crashes tails clearing same; do $(BIN)/python -m benchmarks.bench_trust $$what || exit 1; done

truth: $(STAMP)  ## what learning agents must find in markets that theory knows
	@$(BIN)/python -m training.truth $(TRUTH_ARGS)

reference: $(STAMP)  ## renew the table of reference returns
	@$(BIN)/python -m training.reference $(REFERENCE_ARGS)

ray-smoke: $(STAMP) $(RAY)/.ready  ## train on a Ray cluster of two workers, in an environment of its own
	@$(RAY)/bin/python -m training.rllib_ppo --smoke --folder runs/rllib-smoke
	@$(BIN)/python -m training.evaluate --runs runs/rllib-smoke/policies/building_03 --folder runs/rllib-smoke/evaluation
	@$(RAY)/bin/python -m pytest -q tests/agents/test_rllib_*.py tests/training/test_rllib_ppo.py tests/training/test_sweep.py

$(RAY)/.ready: pyproject.toml constraints-ray.txt
	@"$(PYTHON)" -m venv $(RAY) && \
	  $(RAY)/bin/python -m pip install --quiet --constraint constraints-ray.txt --editable '.[ray,multi,train]' hypothesis pytest && \
	  touch "$@"

fuzz: $(FUZZ)/.ready  ## a minute of fuzzing for every parser, in an environment of its own
	@PYTHONPATH=.:tests $(FUZZ)/bin/python -m fuzz.every $(FUZZ_ARGS)

$(FUZZ)/.ready: pyproject.toml constraints.txt
	@"$(PYTHON)" -m venv $(FUZZ) && \
	  $(FUZZ)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[data,mqtt,train,trust]' 'atheris>=3,<4' && \
	  touch "$@"

clean:  ## remove .venv, caches and build products
	rm -rf .venv build dist .coverage htmlcov .hypothesis .mypy_cache .numba_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "decent-gym needs Python 3.11 or newer, found no '$(PYTHON)'; set PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.version_info < (3, 11) and sys.exit("decent-gym needs Python 3.11 or newer, found %d.%d; set PYTHON=python3.12" % sys.version_info[:2])'
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "this Python cannot make environments; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "setting up $(VENV) with decent-gym[$(EXTRAS)], once; this takes a minute or two"
	@start=$$(date +%s) && \
	  "$(PYTHON)" -m venv "$(VENV)" && \
	  $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]' && \
	  touch "$@" && \
	  echo "set up in $$(( $$(date +%s) - start )) s"
