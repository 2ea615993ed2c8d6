# Everything a person runs. `make` alone lists it.

PYTHON ?= python3
# Properties draw the same cases each time, so that a run judges the change before it; `make hunt` draws others.
export PROPTEST_RNG_SEED ?= 20261126
STACK  := $(PYTHON) tests/local/stack.py
VENV   := target/venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help doctor demo test up verify drill down check lint deny unit browser hunt invoke package bench

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

doctor: ## Name what the machine lacks, and how to install it
	@$(PYTHON) tests/local/doctor.py

demo: doctor ## From nothing to a finished story: an agent's call, redacted, recorded, locked
	@$(STACK) up --name local
	@$(VENV) tests/demo.py
	@echo "The stack still runs. End it with: make down"

test: doctor ## Unit, property and end-to-end tests over a stack of their own, IAM enforced
	@$(PYTHON) tests/local/infra_test.py
	@$(PYTHON) tests/local/verifiers.py
	@trap '$(STACK) down --name test' EXIT; trap 'exit 130' INT TERM; \
	$(STACK) up --name test --provider-timeout-ms 8000 --build-tests && \
	$(PYTHON) tests/local/key_policies.py --name test && \
	$(PYTHON) tests/local/suite.py --stack target/stack/test/stack.json

up: doctor ## Make the local stack with a tenant in it, and print what to export
	@$(STACK) up --name local --seed

verify: doctor ## Export the local stack's audit log and verify it offline, as an auditor would
	@$(STACK) up --name local --seed
	@$(VENV) tests/local/verify.py --name local

drill: doctor ## Rehearse on the local stack: the kill switch, a provider and the audit writer away, a restore; with timings
	@$(STACK) up --name local --seed
	@$(VENV) tests/local/drill.py --name local

down: ## End the local stack
	@$(STACK) down --name local

check: lint unit ## Formatting, lints and the tests that need no stack

lint: doctor # formatting, lints, and what may be depended on
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	terraform fmt -check -recursive infra
	@$(PYTHON) tests/local/deny.py

deny: doctor ## Licences, bans and sources of every dependency, and advisories where their database answers
	@$(PYTHON) tests/local/deny.py

unit: doctor # the tests that need no stack
	cargo test --workspace --exclude countersign-tests
	cargo test -p countersign-tests --lib --bins --test tidy
	$(PYTHON) tests/local/infra_test.py
	$(PYTHON) tests/local/verifiers.py

browser: doctor ## The tests of the browser that drives pages: installs Debian's Chromium where it may
	@$(PYTHON) tests/local/browser_test.py

hunt: doctor ## Search for what redaction leaves behind: random texts with a new seed, 100,000 a property
	env -u PROPTEST_RNG_SEED PROPTEST_CASES=100000 cargo test --release -p countersign-redact --test redact --test fuzz_text -- properties hold

invoke: doctor ## Invoke a function directly: make invoke FN=gateway EVENT=events/gateway/chat.json
	@test -n '$(FN)' -a -n '$(EVENT)' || { echo 'usage: make invoke FN=gateway EVENT=events/gateway/<case>.json'; exit 2; }
	@test -x $(VENV) || { echo 'error: there is no stack; run: make up'; exit 1; }
	@$(VENV) tests/local/invoke.py --function '$(FN)' --event '$(EVENT)'

package: doctor ## Build the release zips of the functions for Lambda: make package ARCH=arm64
	@$(PYTHON) tests/local/package.py $(if $(ARCH),--arch '$(ARCH)')

bench: doctor ## Measure the release build on a stack of its own; writes target/bench/*.json; one of them: make bench FILE=envelope
	@trap '$(STACK) down --name bench' EXIT; trap 'exit 130' INT TERM; \
	$(STACK) up --name bench && $(PYTHON) tests/local/bench.py --name bench $(if $(FILE),--file '$(FILE)')
