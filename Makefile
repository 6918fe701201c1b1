# make demo | make check | make test | make lint | make docs | make bench | make presets DATA=DIR [RUNS=DIR]. All set-up happens in .venv, once.
PYTHON ?= python3
BIN := .venv/bin

# Training on the CPU frees and asks for hundreds of MB a step. If glibc gives them back to the system each time, a step
# of the demo's network takes twice as long (measured: 1.03 s against 0.51 s), so it keeps them.
export MALLOC_MMAP_MAX_ = 0
export MALLOC_TRIM_THRESHOLD_ = 8000000000
export MALLOC_TOP_PAD_ = 268435456
export MALLOC_ARENA_MAX = 1

# Without it TensorFlow leaves oneDNN off on CPUs without AVX-512; a training step of NAFNet takes twice as long there.
export TF_ENABLE_ONEDNN_OPTS = 1

.PHONY: demo check test lint docs bench presets clean

demo: .venv/demo
	$(BIN)/python recipes/demo.py --out out

# Two processes, for tests wait for one core most of the time. Each takes one half of the tests, in
# their order, so that what a file's tests share is made once; who is done takes from the other's half. tests/rooms.py says
# what runs once and what on which backend.
# JAX compiles every operator of every small network: without XLA's optimizations that takes a quarter of the time, and
# without its newer emitters, each program in one piece, little more than half of what is left.
PYTEST := OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3 JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(BIN)/python -m pytest
JAX := KERAS_BACKEND=jax XLA_FLAGS="--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
SPREAD := $(PYTEST) -n 2 --dist worksteal --spread -m "not no_backend"
SMOKE := tests/layers/test_naf_block.py tests/test_losses.py tests/models/test_lunet.py

# The quick tier, in three minutes: what touches no backend and is quick, and a layer, losses and a network on each.
check: lint
	$(PYTEST) -n 2 --dist worksteal --without-backend -m "no_backend and not slow"
	KERAS_BACKEND=tensorflow $(PYTEST) $(SMOKE)
	KERAS_BACKEND=torch $(PYTEST) $(SMOKE)
	$(JAX) $(PYTEST) $(SMOKE)

test: lint
	$(PYTEST) -n 2 --dist worksteal --without-backend -m no_backend
	KERAS_BACKEND=tensorflow $(SPREAD)
	KERAS_BACKEND=torch $(SPREAD)
	$(JAX) $(SPREAD)

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

# The site, in build/site: a warning stops it.
docs: .venv/test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: .venv/test
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/arena.py
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/lowering.py

presets: .venv/test
	KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m keras_unetmm.presets.release --data $(DATA) $(if $(RUNS),--runs $(RUNS))

.venv/demo: pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable .[demo]
	touch $@

.venv/test: pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable .[test]
	touch $@ .venv/demo

clean:
	rm -rf .venv out build *.egg-info
