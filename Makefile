# make demo | make test | make test-wheel | make fuzz | make check | make bench | make docs | make claims | make clean
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
INSTALLED := $(VENV)/installed
# Matrices are small: threads of the linear algebra would only wait for each other.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

.PHONY: demo test test-wheel stranger test-oldest test-newest fuzz check bench docs claims format clean help plugin wheelhouse test-plugin

help:
	@echo "make demo    simulate a district, map it, and show where the maps are"
	@echo "make test    run every test"
	@echo "make test-wheel  README's lines in a fresh environment, from the built wheel"
	@echo "make stranger  README's lines and the zip in QGIS, from a fresh clone, each step timed"
	@echo "make fuzz    2,000 damaged inputs: no traceback, nothing half-written"
	@echo "make test-oldest, make test-newest  the tests with the lowest versions allowed, the newest there are"
	@echo "make check   format, lint, types and the architecture of the house"
	@echo "make bench   speed and memory, as ratios against a floor or a peer"
	@echo "make plugin  the zip of the QGIS plugin, into dist/"
	@echo "make wheelhouse   all that the plugin installs, for closed networks"
	@echo "make test-plugin  the plugin in real QGIS, installed from a wheelhouse, with screenshots"
	@echo "make docs    build the documentation site: runs its tutorials, draws its figures"
	@echo "make claims  run the commands behind the numbers of the pages again; takes hours"
	@echo "make format  put the code into the house's form"

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	  { echo "gossan needs Python 3.11 or newer; say which with make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@$(BIN)/python -c "open('$(INSTALLED)', 'w').close()"

demo: $(INSTALLED)
	$(BIN)/gossan demo demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

test-wheel:
	$(PYTHON) tests/wheel.py

stranger:
	$(PYTHON) tests/stranger.py

fuzz: export GOSSAN_FUZZ_MUTATIONS = 2000
fuzz: export GOSSAN_FUZZ_SECONDS = 100000
fuzz: $(INSTALLED)
	$(BIN)/python -m pytest -q tests/fuzz

# A library may deprecate what another of the same set still calls, and warn of what later versions
# (which the other targets run) do: such warnings are no errors.
test-oldest: CONSTRAINTS := -c constraints-oldest.txt
test-oldest test-newest: test-%:
	$(PYTHON) -m venv --clear .venv-$*
	.venv-$*/$(notdir $(BIN))/python -m pip install --quiet $(CONSTRAINTS) -e ".[test]"
	.venv-$*/$(notdir $(BIN))/python -m pytest -q -n 2 --dist worksteal -W ignore::DeprecationWarning -W ignore::FutureWarning

check: $(INSTALLED)
	$(BIN)/ruff format --check src tests benchmarks docs qgis
	$(BIN)/ruff check src tests benchmarks docs qgis
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

# Strict: a broken link, a missing picture, a failing example end the build. Needs Chromium.
docs: $(INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

claims: $(INSTALLED)
	$(BIN)/python benchmarks/claims.py --run all

format: $(INSTALLED)
	$(BIN)/ruff format src tests benchmarks docs qgis
	$(BIN)/ruff check --fix src tests benchmarks docs qgis

bench: $(INSTALLED)
	$(BIN)/python benchmarks/run_all.py

plugin: $(INSTALLED)
	$(BIN)/python qgis/make_plugin.py plugin

wheelhouse: $(INSTALLED)
	$(BIN)/python qgis/make_plugin.py wheelhouse

# QGIS_PYTHON is the Python that has PyQGIS.
QGIS_PYTHON ?= /usr/bin/python3
test-plugin: plugin wheelhouse
	$(BIN)/python qgis/try_installed.py --qgis-python $(QGIS_PYTHON)

clean:
	$(PYTHON) -c "import shutil; [shutil.rmtree(p, ignore_errors=True) for p in ('$(VENV)', '.venv-oldest', '.venv-newest', 'demo', '.mypy_cache', '.ruff_cache', '.pytest_cache', '.hypothesis', 'docs/_build', 'docs/gallery_made', 'docs/reference/made')]"
