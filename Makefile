# Two commands matter: `make demo` and `make test`. Both set up what they need in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
PAGE := $(VENV)/.page
EVERYTHING := $(VENV)/.everything

.PHONY: help demo test soak lint bench-ocln bench-anomaly clean

help:
	@echo "make demo          hear a keyword in a recording of real people (FAST=1: no waiting, MIC=1: your microphone,"
	@echo "                   WEB=1: a page in the browser)"
	@echo "make test          set up everything and run the tests"
	@echo "make soak          the long tests: a day of sound, 100 streams at once, thousands of attacks on the server"
	@echo "make lint          ruff and mypy"
	@echo "make bench-ocln    rerun the experiments with limited negatives (less than two hours of two cores)"
	@echo "make bench-anomaly rerun the experiments on normals alone, with every baseline (three hours of one core)"
	@echo "make clean         remove .venv and caches"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The runtime alone: no torch. Editable, so that a changed model or source is what runs.
$(RUNTIME): pyproject.toml wakeword/kernel.c wakeword/vectors.h | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

# Training and tests too. torch is pinned first, so that no other package pulls another build of it.
$(EVERYTHING): pyproject.toml constraints.txt wakeword/kernel.c wakeword/vectors.h training/recurrence.c scripts/torchaudio_on_cpu.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,natural,serve,export,test]'
	$(BIN)/python scripts/torchaudio_on_cpu.py
	@touch $(RUNTIME) $(PAGE) $@

# What the page needs beside the runtime.
$(PAGE): pyproject.toml | $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[serve]'
	@touch $@

demo: $(if $(filter-out 0,$(WEB)),$(PAGE),$(RUNTIME))
	@$(BIN)/python -m demo $(if $(filter-out 0,$(MIC)),--mic) $(if $(filter-out 0,$(FAST)),--fast) $(if $(filter-out 0,$(WEB)),--web)

test: $(EVERYTHING)
	$(BIN)/python -m pytest

# What must hold for days: 24 h of sound, 100 streams, thousands of attacks. An hour or two on a quiet machine.
soak: $(EVERYTHING)
	WAKEWORD_SOAK=1 $(BIN)/python -m pytest -s -v tests/server/test_soak.py tests/server/test_fuzz.py

lint: $(EVERYTHING)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(if $(wildcard anomaly_benchmark),$(BIN)/mypy anomaly_benchmark)

# What has a row is not run again: a clean rerun starts with  rm anomaly_benchmark/results/*.jsonl
OCLN := mnist-ocln noisy-sine audio-ocln ablation
bench-ocln: $(EVERYTHING)
	$(BIN)/python -m anomaly_benchmark run $(filter-out ablation,$(OCLN)) --tune 2 --budget small $(if $(DATA),--data $(DATA))
	$(BIN)/python -m anomaly_benchmark run ablation --seeds 3 --budget small $(if $(DATA),--data $(DATA))
	$(BIN)/python -m anomaly_benchmark tables $(OCLN)
	$(BIN)/python -m anomaly_benchmark figures $(OCLN)

ANOMALY := sine sphere tabular time-series
bench-anomaly: $(EVERYTHING)
	$(BIN)/python -m anomaly_benchmark run $(ANOMALY) --budget small $(if $(DATA),--data $(DATA))
	$(BIN)/python -m anomaly_benchmark tables $(ANOMALY)
	$(BIN)/python -m anomaly_benchmark figures $(ANOMALY)

clean:
	rm -rf $(VENV) build *.egg-info wakeword/_kernel.* training/_recurrence.* .pytest_cache .ruff_cache .mypy_cache
