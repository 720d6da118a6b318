.DEFAULT_GOAL := help
.PHONY: help generate build run test test-mysql race lint e2e sdk torture bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

generate: ## make protobuf code, pages and assets anew (they are committed)
	scripts/setup.sh generate
	scripts/generate.sh

build: ## build bin/nacre
	scripts/setup.sh run
	go build -trimpath -o bin/nacre .

run: ## start a server on http://127.0.0.1:8848 with its data in ./data
	scripts/setup.sh run
	go run . serve

# Where goroutines meet; these run with the race detector and with failpoints, too.
RACY := ./server ./server/auth ./server/draft ./server/probe ./server/failpoint ./server/event ./server/feed ./server/journal ./server/config/... ./server/namespace ./server/naming ./server/distro ./server/fuzzy ./server/replica ./server/store \
	./server/rpc/... ./web ./web/conn ./web/live ./web/park ./web/api/v1

test: ## run all tests of Go, and those where goroutines meet with the race detector, too
	scripts/setup.sh test
	scripts/gotest.sh -race -short -tags failpoint -timeout 20m $(RACY)
	scripts/gotest.sh -timeout 20m ./...

test-mysql: ## run the tests of the protocols on servers that keep everything in MySQL, which Debian's MariaDB stands for
	scripts/setup.sh test
	NACRE_TEST_STORAGE=mysql scripts/gotest.sh -count=1 -timeout 10m ./web/api/... ./server/rpc ./server/servertest ./e2e/golden ./e2e/goldengrpc

race: ## run all of them with the race detector
	scripts/setup.sh test
	scripts/gotest.sh -race -timeout 40m ./...

lint: ## check format, vet, and who imports what
	scripts/setup.sh run
	scripts/lint.sh

e2e: build ## run end-to-end tests, with curl and a browser, against bin/nacre
	scripts/setup.sh e2e
	scripts/e2e.sh

sdk: build ## check bin/nacre with the SDKs of Java, Go, Python and Node, and with applications of Spring and Dubbo
	scripts/setup.sh sdk
	scripts/sdk.sh

torture: ## run real nodes under load while machines fail, and check what clients saw; ARGS='--seed 1-10', ARGS=--help for more
	scripts/setup.sh torture
	go build -o bin/torture ./e2e/torture
	bin/torture $(ARGS)

bench: ## run the benchmarks
	scripts/setup.sh run
	go test -run '^$$' -bench . -benchmem ./...

clean: ## remove what was built, not data
	rm -rf bin .cache node_modules
