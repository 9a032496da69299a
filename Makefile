# Icepack. `make` alone prints what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

SWIFT ?= swift
# Options for every debug build; not for those in release, whose figures are compared.
SWIFT_FLAGS ?=
export SWIFT_FLAGS
SWIFT_SOURCES := Package.swift Benchmarks Sources Tests Tools

##@ First steps

.PHONY: help
help: ## Print this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build-release ## Build, and watch neglected tables being maintained (DEMO=--exit ends it)
	@scripts/demo $(DEMO)

.PHONY: test
test: ## Install what is missing, lint, and run the tests
	@scripts/bootstrap test
	@scripts/python-env
	@$(MAKE) --no-print-directory lint
	@scripts/test

.PHONY: test-all
test-all: ## The same with every case of the long suites, which takes over an hour
	@ICEPACK_TEST_ALL=1 $(MAKE) --no-print-directory test

##@ Building

.PHONY: build
build: ## Build everything for debugging
	@scripts/bootstrap build
	$(SWIFT) build $(SWIFT_FLAGS)

.PHONY: build-tests
build-tests: ## Build everything for debugging, the tests too
	@scripts/bootstrap test
	$(SWIFT) build $(SWIFT_FLAGS) --build-tests --disable-xctest

.PHONY: build-release
build-release: ## Build .build/release/icepack
	@scripts/bootstrap build
	$(SWIFT) build --configuration release --product icepack

.PHONY: clean
clean: ## Remove what the builds and the demonstration left
	rm -rf .build .demo icepack-data

##@ Keeping it right

.PHONY: lint
lint: ## Check the style: swift-format, tidy and the scripts
	@scripts/lint

.PHONY: tidy
tidy: ## Check the house rules alone
	@$(SWIFT) run $(SWIFT_FLAGS) --quiet tidy

.PHONY: format
format: ## Rewrite the Swift sources in the house style
	$(SWIFT) format --in-place --parallel --recursive $(SWIFT_SOURCES)

.PHONY: test-tools
test-tools: ## Install all that the tests need, Spark too (downloads 450 MB once)
	@scripts/bootstrap spark
	@scripts/python-env
	@scripts/spark-env

.PHONY: test-spark
test-spark: test-tools ## Compare with Spark and Iceberg's own procedures
	@scripts/test-spark

.PHONY: test-spark-tables
test-spark-tables: test-tools ## Maintain tables that Spark made, and read them with four engines
	@scripts/test-spark tables

.PHONY: soak
soak: build-release ## Rewrite manifests for a minute under a streaming writer (SECONDS=60)
	@scripts/bootstrap test
	@scripts/python-env
	@scripts/soak $(SECONDS)

.PHONY: test-chart
test-chart: ## Render the Helm chart and check it against Kubernetes' schemas
	@scripts/bootstrap chart
	@scripts/chart-env
	@.venv-chart/bin/python scripts/check-chart

.PHONY: test-s3
test-s3: ## Test S3 storage with Ceph's gateway as well (70 MB of Debian packages)
	@scripts/bootstrap s3
	@scripts/python-env
	@scripts/test-s3

.PHONY: fuzz
fuzz: ## Feed the Parquet reader with damaged bytes, FUZZ_SECONDS=10 for each target
	@scripts/bootstrap build
	@scripts/fuzz

.PHONY: bench
bench: build-release test-tools ## Measure against the alternatives, on the same data and in one run
	$(SWIFT) build --configuration release --product icepack-bench
	$(SWIFT) build --configuration release --product parquet-bench
	@Benchmarks/run

.PHONY: docs
docs: ## Check that links between the documents lead somewhere
	@python3 scripts/check-links
