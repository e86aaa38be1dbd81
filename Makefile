# make demo: set up and run the main job.   make test: set up and run the tests.
# Needs Python 3.11, 3.12 or 3.13; everything else goes into .venv.

VENV := .venv
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
CANDIDATES := python3.11 python3.12 python3.13 python3 python
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)

PEERS := torch==2.13.0 'transformers>=5.0' 'safetensors>=0.5' 'tokenizers>=0.21' 'jax>=0.7' 'keras>=3.15' 'hypothesis>=6.100' 'pytest>=8.0' 'pytest-xdist>=3.6'

# A worker that has nothing left takes from the other.
WORKERS := -n 2 --dist worksteal

SERVER := 'mlserver>=1.7' 'onnxruntime>=1.22'

# What may differ between backends: every layer once, and the formula of attention. All of tests/layers can
# run on JAX, but it compiles every operation for every shape.
ON_JAX := tests/layers/test_every_layer.py tests/layers/test_attention.py tests/layers/test_masks.py \
	tests/layers/test_multi_head_self_attention.py

.PHONY: demo test test-slow test-peers test-serving lint clean

demo: $(VENV)/installed
	$(VENV)/bin/attnzoo demo --out runs/demo

test: $(VENV)/installed-test
	$(VENV)/bin/python -m pytest $(WORKERS)

test-slow: $(VENV)/installed-test
	$(VENV)/bin/python -m pytest $(WORKERS) -m slow

# Comparisons with PyTorch and transformers, and the layers on JAX, in an environment of their own.
test-peers: $(VENV)-peers/installed $(VENV)/installed-test
	KERAS_BACKEND=torch $(VENV)-peers/bin/python -m pytest tests/peers
	ATTNZOO_PEERS_PYTHON=$(VENV)-peers/bin/python $(VENV)/bin/python -m pytest $(WORKERS) -m "peers and not slow" tests/pretrained
	KERAS_BACKEND=jax $(VENV)-peers/bin/python -m pytest $(WORKERS) $(ON_JAX)

# A real server for exported ONNX files, in an environment of its own, and the WebAssembly of browsers (npm installs it).
test-serving: $(VENV)-mlserver/installed $(VENV)-node/installed $(VENV)/installed-test
	ATTNZOO_MLSERVER_PYTHON=$(VENV)-mlserver/bin/python NODE_PATH=$(abspath $(VENV)-node/node_modules) $(VENV)/bin/python -m pytest $(WORKERS) -m "" tests/export/test_server.py tests/export/test_onnxruntime_web.py

lint: $(VENV)/installed-test
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .

$(VENV)/installed: setup.py
	@test -n "$(PYTHON)" || { echo "attnzoo needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=/path/to/python3.12"; exit 1; }
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

$(VENV)-peers/installed: setup.py
	test -x $(VENV)-peers/bin/python || $(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check $(PEERS)
	$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)-mlserver/installed: setup.py
	test -x $(VENV)-mlserver/bin/python || $(PYTHON) -m venv $(VENV)-mlserver
	$(VENV)-mlserver/bin/python -m pip install --quiet --disable-pip-version-check $(SERVER)
	touch $@

$(VENV)-node/installed: setup.py
	npm install --silent --no-audit --no-fund --prefix $(VENV)-node 'onnxruntime-web@>=1.22'
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-peers $(VENV)-mlserver $(VENV)-node
