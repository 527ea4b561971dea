# Two commands do everything on a fresh machine with Python >= 3.11, git and make:
#   make demo    plays the built-in city, simulated, end to end
#   make test    runs all tests; `make check` is formatting, lint and strict types
.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python
RUN_STAMP := .venv/.installed-run
DEV_STAMP := .venv/.installed-dev
ARGS ?=
# pip shows its progress on a terminal and is quiet elsewhere
QUIET := $(if $(MAKE_TERMOUT),,--quiet)

.PHONY: help demo portal test check format interop fuzz schema crash crash-live bench bench-air bench-live bench-log bench-peers bench-server bench-server-peers soak advisories clean lock

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

$(PY):
	@echo "making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit("Veracity wants Python 3.11 or newer, got " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv

$(RUN_STAMP): requirements/base.txt pyproject.toml | $(PY)
	@echo "installing Veracity (locked versions, about a minute the first time)"
	@$(PY) -m pip install $(QUIET) --disable-pip-version-check --require-hashes -r requirements/base.txt
	@$(PY) -m pip install $(QUIET) --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	@echo "installing what the tests need"
	@$(PY) -m pip install $(QUIET) --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null || \
	  { echo "installing Node, which there is not"; \
	    $(PY) -m pip install $(QUIET) --disable-pip-version-check --require-hashes -r requirements/node.txt; }
	@touch $@

# Environments beside .venv, in build/: FOR says what is in one, WITH is the Python that it wants.
# Without a Python that is new enough there is none, and the tests that ask for it skip.
first = $(shell for python in $(1); do \
          "$$python" -c "import ensurepip" 2>/dev/null && { echo "$$python"; break; }; done)
NEWER := $(call first,python3.14 python3.13 python3.12 $(HOME)/.pyenv/versions/3.1[234].*/bin/python)
NEWEST := $(call first,python3.13 $(HOME)/.pyenv/versions/3.13.*/bin/python python3.14)
WITH = $(PYTHON)
build/%/.installed: requirements/%.txt
	@echo "installing $(FOR), in build/$*"
	@$(WITH) -m venv build/$*
	@build/$*/bin/python -m pip install $(QUIET) --disable-pip-version-check --require-hashes -r $<
	@touch $@

# wants Python 3.12 or newer
INTEROP := build/interop/.installed
$(INTEROP): FOR := aics-tlog, to check our logs with
$(INTEROP): WITH = $(NEWER)

# wants Python 3.13 or newer
CLIENT := build/client/.installed
$(CLIENT): FOR := aio-sensorthings, to read our server with
$(CLIENT): WITH = $(NEWEST)

interop: $(if $(NEWER),$(INTEROP)) $(if $(NEWEST),$(CLIENT)) ## install others' log checker and client (need Python >= 3.12, 3.13)

demo: $(RUN_STAMP) ## play the built-in city (simulated): ingest, learn, forecast, prove, tamper, notice
	@.venv/bin/veracity demo $(ARGS)

portal: $(DEV_STAMP) ## build the portal that `veracity serve` shows, with Node
	@PYTHONPATH=tests $(PY) -c "from built_portal import built_portal; print('built: ' + built_portal().name)"

test: $(DEV_STAMP) interop ## run all tests, on all cores; ARGS="-k panel" runs some
	@$(PY) -m pytest -q -n auto --dist worksteal $(ARGS)

SECONDS ?= 60
fuzz: $(DEV_STAMP) ## fuzz every parser of what comes from outside; SECONDS=300 each
	@$(PY) tests/fuzz/campaign.py --seconds $(SECONDS) $(ARGS)

EXAMPLES ?= 50
schema: $(DEV_STAMP) ## ask every operation of the API what a machine makes of its description; EXAMPLES=50 each
	@VERACITY_EXAMPLES=$(EXAMPLES) $(PY) -m pytest -q --timeout=0 tests/server/api/test_api_schema.py $(ARGS)

crash: $(DEV_STAMP) ## fail every system call, every write and every request of a log, not a sample of them (long)
	@VERACITY_ALL_FAULTS=1 $(PY) -m pytest -q --timeout=0 tests/crash $(ARGS)

ROUNDS ?= 50
crash-live: $(DEV_STAMP) ## kill workers and brokers at random moments under load; ROUNDS=50 (long)
	@VERACITY_ROUNDS=$(ROUNDS) $(PY) -m pytest -q -s --timeout=0 tests/crash/test_live_kills.py tests/crash/test_live_cluster.py $(ARGS)

check: $(DEV_STAMP) ## formatting, lint and strict types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

format: $(DEV_STAMP) ## format the code
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench: $(DEV_STAMP) ## run every benchmark (minutes); JSON goes to benchmarks/results/
	@for script in ingest panel receipt log contracts cleaning trust scoreboard device_clocks compaction; do $(PY) benchmarks/$$script.py || exit 1; done

bench-air: $(DEV_STAMP) ## forecasts and nowcasts of real air, beside other libraries (needs VERACITY_DATA; many minutes)
	@for script in forecast_air nowcast; do $(PY) benchmarks/$$script.py $(ARGS) || exit 1; done

bench-live: $(DEV_STAMP) ## messages over MQTT to sealed rows, and the highest rate that holds (some 15 minutes)
	@$(PY) benchmarks/live.py --bare --rates 6000,7000,8000,10000 $(ARGS)
	@$(PY) benchmarks/live_machines.py

soak: $(DEV_STAMP) ## the built-in city for an hour at speed 600: memory and files flat
	@$(PY) benchmarks/soak.py $(ARGS)

bench-log: $(DEV_STAMP) interop ## the log beside aics-tlog and pymerkle, and proofs from ten million entries
	@$(PY) benchmarks/log.py --proofs-of 10000000 $(if $(NEWER),--aics-python build/interop/bin/python) $(ARGS)

PEERS := build/peers/.installed
$(PEERS): FOR := the tools that are measured beside Veracity

bench-peers: $(DEV_STAMP) $(PEERS) ## nine rules beside Pandera, Great Expectations, Pointblank, datacontract-cli
	@$(PY) benchmarks/contracts.py --peers-python build/peers/bin/python $(ARGS)

bench-server: $(DEV_STAMP) ## queries of ten million rows, and a thousand readers of the public pages
	@$(PY) benchmarks/server.py $(ARGS)
	@$(PY) benchmarks/server_readers.py
	@$(PY) benchmarks/server_posts.py

SERVER_PEERS := build/server-peers/.installed
$(SERVER_PEERS): FOR := the SensorThings server that is measured beside ours
$(SERVER_PEERS): WITH = $(NEWER)

bench-server-peers: $(DEV_STAMP) $(SERVER_PEERS) ## SensorThings beside a plain server on PostgreSQL (needs Python >= 3.12)
	@$(PY) benchmarks/server_peers.py --peer-python build/server-peers/bin/python $(ARGS)

AUDIT := build/audit/.installed
$(AUDIT): FOR := pip-audit

advisories: $(AUDIT) ## ask the public advisories about every locked dependency (needs the internet)
	@for name in base dev; do build/audit/bin/pip-audit --require-hashes --disable-pip -r requirements/$$name.txt || exit 1; done
	@for folder in web/verify web/portal; do (cd $$folder && npm audit) || exit 1; done

lock: ## choose versions again and write the lock files (needs uv)
	@for group in base:build dev:dev; do \
	  uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    pyproject.toml --group $${group#*:} -o requirements/$${group%%:*}.txt || exit 1; \
	done
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  requirements/peers.in -o requirements/peers.txt
	uv pip compile --quiet --upgrade --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-header \
	  requirements/client.in -o requirements/client.txt
	@for name in interop server-peers; do \
	  uv pip compile --quiet --upgrade --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header \
	    requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  requirements/node.in -o requirements/node.txt
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  requirements/audit.in -o requirements/audit.txt

clean: ## remove what make made
	rm -rf .venv build dist src/veracity/portal web/*/node_modules web/*/dist web/*/dist-test .mypy_cache .ruff_cache .pytest_cache .hypothesis
