# What people type.  The work is done by scripts/, so that each step can be read and run alone.
#   make run        set up what is missing, then measure this machine's storage for about a minute
#   make test       set up, format check, lint, types, every test that needs no special machine
#   make test-all   the same and the tests marked all_only (a Debian 11 chroot ...) or openstack,
#                   but not long_lab; needs root
#   make test-openstack LEVEL=2  what needs a cloud, in a small real OpenStack of its own; needs root
#                   1: Keystone and Heat; 2: all services, fake servers; 3: real guests on Ceph
#   make image      the image that agents boot from, into dist/agent-image; needs root
#   make bench      ratios that this project promises to keep; QUICK=1 takes a quarter of an hour
#   make bench-openstack  stacks of 1, 10 and 50 agents in such a cloud (level 2); needs root
#   make bench-verdict  how often the verdict is right, on simulated runs and beside its rivals
#   make docs       the pages of docs/reference that are made from the source
# PYTHON=python3.12 chooses the interpreter; the default is the newest of 3.11 to 3.13 found.
SHELL := /bin/bash
.PHONY: help run test test-all test-openstack image bench bench-openstack bench-verdict lint lock docs clean

help:
	@sed -n 's/^#   //p' Makefile

run:
	@scripts/run-quickstart.sh

test:
	@scripts/test.sh

test-all:
	@scripts/test.sh --all
	@scripts/test-openstack.sh $(LEVEL) -m "openstack and not long_lab"

LEVEL ?= 2
test-openstack:
	@scripts/test-openstack.sh $(LEVEL)

image:
	@agent_image/build.sh dist/agent-image

bench:
	@scripts/setup.sh test
	@.venv/bin/python benches/run.py

bench-openstack:
	@scripts/test-openstack.sh 2 --bench

bench-verdict:
	@scripts/setup.sh test
	@.venv/bin/python benches/verdict.py

lint:
	@scripts/setup.sh test
	@scripts/lint.sh

lock:
	@scripts/lock.sh

docs:
	@scripts/setup.sh test
	@scripts/docs.sh

# Results, baselines and scratch files are the user's and stay.
clean:
	@rm -rf .venv .make build dist storperf.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find storperf tests benches -name __pycache__ -type d -prune -exec rm -rf {} +

export PYTHON
