# What there is to do here. `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help dev test quick check format generate pictures mutations client

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## everything on this machine, at http://localhost:3000
	go run ./cmd/devinbox dev

test: ## all tests, with the packages' names as they pass
	go test -timeout 30m ./...

quick: ## the tests without the functions as a whole, the browser and the faults
	go test ./pkg/... ./internal/serve ./internal/add ./internal/tools/...

check: ## what must pass before a change goes in
	.ci/run

format: ## Go and TypeScript
	gofmt -w api cmd docs internal mutations pkg web/*.go
	cd web && npm run format

generate: ## what is made of public/openapi.yaml: the API's page, the client's types
	go generate ./internal/tools/reference
	cd web && npm run generate --workspace client

pictures: ## the screenshots in docs/
	go test ./internal/browser -screenshots

mutations: ## removes one safeguard after the other, and shows that the tests notice
	mutations/run

client: ## the client's package, web/*.tgz
	cd web && npm install --workspace client --no-save && npm pack --workspace client
