# Sets up its own environment in .venv; needs Python 3.11+ and nothing else.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test bench lab setup clean
setup: .venv/ready

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: setup        ## make a class of 24, grade it, compare with what it deserves
	$(BIN)/grader demo

test: setup        ## run all tests
	$(BIN)/python -m pytest

bench: setup       ## what grading costs beside stock nbgrader; how well `training` learns beside nanoGPT
	$(BIN)/python tests/benchmarks/grading.py
	$(BIN)/python tests/benchmarks/training.py

lab: setup         ## open JupyterLab on the lessons
	$(BIN)/grader lab

clean:             ## remove what the other targets made
	rm -rf .venv demo
