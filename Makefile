# make demo | make test | make lint | make bench | make presets DATA=DIR [RUNS=DIR]. All set-up happens in .venv, once.
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

.PHONY: demo test lint bench presets clean

demo: .venv/demo
	$(BIN)/python recipes/demo.py --out out

# Each backend in two processes, for tests wait for one core most of the time; what measures time and touches no backend alone.
# JAX compiles every operator of every small network: without XLA's optimizations that takes a quarter of the time.
PYTEST := OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m pytest

test: .venv/test lint
	$(PYTEST) -m no_backend
	KERAS_BACKEND=tensorflow $(PYTEST) -n 2 -m "not no_backend"
	KERAS_BACKEND=torch $(PYTEST) -n 2 -m "not no_backend"
	KERAS_BACKEND=jax JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(PYTEST) -n 2 -m "not no_backend"

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

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
