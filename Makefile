# make help lists the targets. Go and make are enough for all but s3-test, network-test, lint and e2e, which build their tools once (tools/).

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TOOLS   := bin/tools
KUBERNETES := bin/kubernetes
HELM    ?= helm
HELM3   ?=
SEEDS   ?= 200
FUZZ    ?= 30s
FOR     ?= 1h
EVALUATIONS ?= 100000
KILLS   ?= 1000
SIDECARS ?= 100
REQUESTS ?= 100000
CHAIN_TIME ?= 30m
PUBLISHERS ?= 50
ROUNDS  ?= 1000
CONNECTIONS ?= 8000
MALFORMED   ?= 100000

# What the image says of itself. Its times are those of the commit, so that two builds are the same; PLATFORM=linux/arm64 makes another's.
REVISION := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
EPOCH    := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
PLATFORM ?= linux/$(shell $(GO) env GOARCH)
BURGEE   ?= bin/burgee
CROSS    ?= linux/arm64 darwin/arm64

export CGO_ENABLED ?= 0

.DEFAULT_GOAL := check
.PHONY: check build demo demo-snapshot run test race sim publishers herd chain fuzz flood s3-test network-test chart-test chart-docs e2e e2e-node sdk-test client-test cbor-test schema-test policy-test flagd-test readme-test observe-test memory-test image image-test node-test node-example-test cross lint format bench bench-client bench-socket torn crash publisher-crash disk kill-time settle-time outage soak bench-smoke clean help

check: lint test ## format, lint and test: what to run before a commit

build: ## bin/burgee and bin/burgeectl
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/...

demo: build ## publish, serve, change, lose the store, restart: the main job in a minute
	$(GO) build -o bin/demo ./examples/demo
	bin/demo

demo-snapshot: build ## one request through five services, with snapshots and without, while flags change and the store goes away
	$(GO) build -o bin/demo-snapshot ./examples/snapshot
	bin/demo-snapshot

run: build ## the demo's sidecar, left running
	$(GO) build -o bin/demo ./examples/demo
	bin/demo -keep

test: ## all tests that need Go alone
	$(GO) test ./...

# Scripts are left out: each of their thousand programs does one thing at a time, and starts ten times as slowly under the detector. So are the
# searches through every fault and every damage, in which one goroutine does all.
ALONE := TestScripts|TestAPublisherStoppedAnywhere|TestEvery(FaultAtEveryCall|Damage.*)|TestManyFaults|TestALossOfPowerLeavesOldOrNew|TestADamagedFileIsRefused|TestNoChangedTokenVerifies|TestABombIsNotUnpacked|TestAFolderFullOfJunk
race: ## the same under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 20m -skip '^($(ALONE))$$' ./...

sim: ## the store's faults, simulated: make sim SEEDS=2000, or SEED=41 to repeat one
	$(GO) test ./sidecar -run TestSimulation -count=1 -sim.seeds=$(SEEDS) $(if $(SEED),-sim.seed=$(SEED) -v)

publishers: ## PUBLISHERS=50 people at once on one store with faults, ROUNDS=1000 each, and whether there is an order of all they were told
	$(GO) test ./sync/publish -run TestConcurrentPublishers -count=1 -timeout 0 -v -publishers=$(PUBLISHERS) -rounds=$(ROUNDS) $(if $(SEED),-publishers.seed=$(SEED))

herd: ## 100,000 simulated sidecars restart, lose their store, get new flags: make herd SEED=7, or UPDATE=1 to write docs anew
	$(GO) test ./sync/pull -run TestHerd -count=1 -timeout 0 -herd.pods=100000 $(if $(SEED),-herd.seed=$(SEED)) $(if $(UPDATE),-update)

chain: build ## REQUESTS=100000 through five services on five sidecars, while flags change and the store goes away
	BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test ./test/chain -count=1 -timeout $(CHAIN_TIME) -v -chain.requests=$(REQUESTS) -chain.poll=1s

fuzz: ## every fuzzer in turn, FUZZ=30s each
	GO=$(GO) tools/fuzz $(FUZZ)
	cd test/cbor && $(GO) test -run '^$$' -fuzz FuzzKey -fuzztime $(FUZZ) -fuzzminimizetime 5x .
	cd sidecar/client && $(GO) test -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZ) -fuzzminimizetime 5x .
	cd test/flagd && $(GO) test -run '^$$' -fuzz FuzzAgreement -fuzztime $(FUZZ) -fuzzminimizetime 5x .

flood: ## clients that are slow, or many, or send nonsense, in full: make flood CONNECTIONS=8000 MALFORMED=100000
	$(GO) test ./test/flood -count=1 -v -timeout 10m -flood.connections=$(CONNECTIONS) -flood.malformed=$(MALFORMED)

s3-test: build $(TOOLS)/versitygw ## everything that touches S3, against a real server on loopback
	BURGEE_TEST_VERSITYGW=$(CURDIR)/$(TOOLS)/versitygw $(GO) test -count=1 ./sync/s3/... ./test/s3/...

network-test: build $(TOOLS)/versitygw $(TOOLS)/toxiproxy-server ## the faults of the network between a real S3 server and its readers and publishers
	BURGEE_TEST_VERSITYGW=$(CURDIR)/$(TOOLS)/versitygw BURGEE_TEST_TOXIPROXY=$(CURDIR)/$(TOOLS)/toxiproxy-server BURGEE_TEST_BIN=$(CURDIR)/bin \
	  $(GO) test -count=1 -parallel 24 ./test/network/...

# A test that is skipped for want of something fails make e2e and make e2e-node; MUST_RUN= lets it be.
MUST_RUN := 1

# CI has Helm 4 alone, for the time that building the other takes; make e2e begins with both.
chart-test: build $(TOOLS)/helm $(TOOLS)/kubeconform $(TOOLS)/helm-docs $(HELM3) ## the chart: lint, goldens, schemas, refusals, one pod by each way; HELM3=bin/tools/helm3 for both versions of Helm
	BURGEE_TEST_HELM=$(CURDIR)/$(TOOLS)/helm BURGEE_TEST_HELM3=$(abspath $(HELM3)) BURGEE_TEST_KUBECONFORM=$(CURDIR)/$(TOOLS)/kubeconform \
	  BURGEE_TEST_HELM_DOCS=$(CURDIR)/$(TOOLS)/helm-docs BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test -count=1 ./test/chart

chart-docs: $(TOOLS)/helm-docs ## charts/burgee/README.md, of its template and the values
	$(TOOLS)/helm-docs --chart-search-root charts --sort-values-order file

e2e: build $(addprefix $(KUBERNETES)/,etcd kube-apiserver kubectl kube-controller-manager crds) $(TOOLS)/$(HELM) ## the chart on a real control plane, which is built once; HELM=helm3 for Helm 3
	$(MAKE) chart-test HELM3=$(TOOLS)/helm3
	BURGEE_TEST_KUBERNETES=$(CURDIR)/$(KUBERNETES) BURGEE_TEST_HELM=$(CURDIR)/$(TOOLS)/$(HELM) BURGEE_TEST_BIN=$(CURDIR)/bin \
	  BURGEE_TEST_MUST_RUN=$(MUST_RUN) $(GO) test -count=1 -timeout 30m -v ./test/kubernetes ./test/kubernetes/cluster

e2e-node: build image $(addprefix $(KUBERNETES)/,etcd kube-apiserver kubectl kube-controller-manager kube-scheduler kubelet) $(TOOLS)/$(HELM) $(TOOLS)/versitygw ## pods with the sidecar on a real node (needs root, containerd, containernetworking-plugins, runc, iproute2, buildah, busybox-static)
	BURGEE_TEST_KUBERNETES=$(CURDIR)/$(KUBERNETES) BURGEE_TEST_HELM=$(CURDIR)/$(TOOLS)/$(HELM) BURGEE_TEST_BIN=$(CURDIR)/bin \
	  BURGEE_TEST_VERSITYGW=$(CURDIR)/$(TOOLS)/versitygw BURGEE_TEST_IMAGE=$(CURDIR)/bin/image \
	  BURGEE_TEST_MUST_RUN=$(MUST_RUN) $(GO) test -count=1 -timeout 20m -v ./test/kubernetes/node

sdk-test: build ## the OpenFeature SDK over the socket of a real sidecar
	cd test/sdk && BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test -count=1 ./...

client-test: build $(TOOLS)/golangci-lint ## the module for applications: lint, and its tests under the race detector with a real sidecar (needs a C compiler)
	cd sidecar/client && $(GO) vet ./... && $(CURDIR)/$(TOOLS)/golangci-lint run --config ../../.golangci.yml ./...
	cd sidecar/client && CGO_ENABLED=1 BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test -race -count=1 ./...

cbor-test: ## bucketing v3 against a CBOR library
	cd test/cbor && $(GO) vet ./... && $(GO) test -count=1 ./...

schema-test: ## the schema for editors against a JSON Schema library and the linter
	cd test/schema && $(GO) vet ./... && $(GO) test -count=1 ./...

policy-test: $(TOOLS)/helm ## the chart's policies in Kubernetes' own engine, against the webhook's code: make policy-test PODS=5000 SEED=7
	cd test/policy && $(GO) vet ./... && BURGEE_TEST_HELM=$(CURDIR)/$(TOOLS)/helm $(GO) test -count=1 -timeout 0 -v . $(if $(PODS),-pods=$(PODS)) $(if $(SEED),-seed=$(SEED))

flagd-test: ## the evaluator against flagd's own: make flagd-test EVALUATIONS=10000000 SEED=7
	cd test/flagd && $(GO) vet ./... && $(GO) test -count=1 -skip TestAgreement ./...
	cd test/flagd && $(GO) test -count=1 -run TestAgreement -timeout 0 -v . -evaluations=$(EVALUATIONS) $(if $(SEED),-seed=$(SEED))

memory-test: build ## the largest documents and the hostile ones, in the memory of a pod (a control group needs root)
	BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test -count=1 -timeout 30m -v ./test/memory -memory.full

readme-test: $(TOOLS)/versitygw ## every command of README.md, in a copy of the tree
	BURGEE_TEST_README=1 BURGEE_TEST_VERSITYGW=$(CURDIR)/$(TOOLS)/versitygw $(GO) test -count=1 ./test/readme

observe-test: build ## alerts and dashboard over real sidecars that a real Prometheus scrapes (needs prometheus and promtool: Debian's package prometheus)
	command -v promtool && command -v prometheus
	BURGEE_TEST_BIN=$(CURDIR)/bin BURGEE_TEST_PROMETHEUS=$$(dirname $$(command -v prometheus)) $(GO) test -count=1 ./test/observe

image: ## the image localhost/burgee, the same as an OCI layout and its program in bin/image (needs root, buildah, busybox)
	test/image/stand-in
	buildah build --isolation chroot --platform $(PLATFORM) --timestamp $(EPOCH) --tag localhost/burgee:$(VERSION) \
	  --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) --build-arg CREATED=$$(date -u -d @$(EPOCH) +%Y-%m-%dT%H:%M:%SZ) \
	  --build-arg GOPROXY=$$($(GO) env GOPROXY) .
	rm -rf bin/image && mkdir -p bin/image && buildah push -q localhost/burgee:$(VERSION) oci:bin/image/oci:burgee
	container=$$(buildah from --pull-never localhost/burgee:$(VERSION)) && cp $$(buildah mount $$container)/burgee bin/image/ && buildah rm $$container

image-test: image ## what the image holds, how it runs with nothing it may write to, and whether a second build is the same (needs runc)
	BURGEE_TEST_IMAGE=$(CURDIR)/bin/image $(GO) test -count=1 -v ./test/image

node-test: $(if $(filter bin/burgee,$(BURGEE)),build) node-example-test ## OpenFeature's SDKs for JavaScript over the socket (needs Node 20); BURGEE=bin/image/burgee for the image's program
	cd test/sdk/node && npm ci --no-fund --no-audit && BURGEE=$(abspath $(BURGEE)) npm test

node-example-test: build ## the two services of examples/node on one snapshot, with two real sidecars (needs Node 20)
	cd examples/node && npm ci --no-fund --no-audit && BURGEE=$(abspath $(BURGEE)) BURGEECTL=$(CURDIR)/bin/burgeectl npm test

cross: ## all packages and their tests compile where people develop and where pods run
	@set -e; for platform in $(CROSS); do echo $$platform; \
	  GOOS=$${platform%/*} GOARCH=$${platform#*/} $(GO) build -o /dev/null ./...; GOOS=$${platform%/*} GOARCH=$${platform#*/} $(GO) vet ./...; \
	  (cd sidecar/client && GOOS=$${platform%/*} GOARCH=$${platform#*/} $(GO) vet ./...); \
	done

lint: $(TOOLS)/golangci-lint ## formatting, vet and linters
	$(TOOLS)/golangci-lint run ./...

format: $(TOOLS)/gofumpt ## rewrite the code as lint wants it
	$(TOOLS)/gofumpt -w cmd eval sidecar sync test examples

bench: ## benchmarks in process, five runs each; the last ones by turns with flagd's evaluator
	$(GO) test -run '^$$' -bench . -benchmem -count 5 ./eval/... ./sidecar/...
	cd test/flagd && $(GO) test -run '^$$' -bench Ratio -count 5 .

bench-client: build ## what an evaluation and the middleware cost an application in Go, against a bare http.Client
	cd sidecar/client && BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test -run '^$$' -bench . -count 5 ./provider

bench-socket: build ## what an evaluation costs over the socket, against a server that answers a constant (Linux)
	$(GO) run ./test/socketbench -bin bin

torn: ## a million bulk calls while flags are swapped: none may mix two revisions
	$(GO) test ./sidecar -run TestBulkIsNeverTorn -count=1 -v -torn.calls=1000000

crash: build ## KILLS=1000 times kill -9 of a sidecar at work; SEED=7 to repeat
	BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test ./test/process -run TestKilledAtAnyMoment -count=1 -timeout 0 -v -kills=$(KILLS) $(if $(SEED),-kill.seed=$(SEED))

publisher-crash: build ## KILLS=1000 times kill -9 of a burgeectl at work, each followed by a publication and a look at the whole store; SEED=7 to repeat
	BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test ./test/process -run TestAPublisherKilledAtAnyMoment -count=1 -timeout 0 -v -publisher.kills=$(KILLS) $(if $(SEED),-publisher.seed=$(SEED))

disk: ## every step that a sidecar takes on disk, failing in every way, once and for long
	$(GO) test ./sidecar -run TestEveryStepOnDiskMayFail -count=1 -timeout 0 -v -disk.all

kill-time: build ## from `burgeectl kill` to the last of SIDECARS=100 real sidecars that poll each second
	BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test ./test/process -run TestFromCommandToTheLastSidecar -count=1 -timeout 0 -v -kill.sidecars=$(SIDECARS) -kill.rounds=6

settle-time: SIDECARS = 50
settle-time: build ## how far apart SIDECARS=50 real sidecars, which poll every 1 to 5 s, switch to new flags: with publish --settle, and without
	BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test ./test/process -run TestFromTheFirstSwitchToTheLast -count=1 -timeout 0 -v -settle.sidecars=$(SIDECARS) -settle.poll=1s -settle.for=15s -settle.rounds=6

outage: ## a real sidecar answers through an outage of its store, FOR=1h
	$(GO) test ./test/process -run TestOutage -count=1 -v -timeout 0 -outage.for $(FOR)

soak: ## the long runs of what .ci/run does in short: about four hours on two cores
	$(MAKE) sim SEEDS=5000
	$(MAKE) torn
	$(MAKE) herd
	$(MAKE) crash KILLS=10000
	$(MAKE) publisher-crash
	$(MAKE) publishers
	$(MAKE) disk
	$(GO) test ./sync/bundle -run TestDamagesOfALargeBundle -count=1 -timeout 0 -flips 1000000
	$(GO) test ./sync/bundle -run TestNoChangedTokenVerifies -count=1 -timeout 0 -mutations 1000000
	$(MAKE) flagd-test EVALUATIONS=10000000
	$(MAKE) outage
	$(MAKE) chain REQUESTS=1000000 CHAIN_TIME=0
	$(MAKE) fuzz FUZZ=5m

bench-smoke: build ## each benchmark once, to see that it runs
	$(GO) test -run '^$$' -bench . -benchtime 1x ./eval/... ./sidecar/...
	cd test/flagd && $(GO) test -run '^$$' -bench Ratio -benchtime 1x .
	cd sidecar/client && BURGEE_TEST_BIN=$(CURDIR)/bin $(GO) test -run '^$$' -bench . -benchtime 1x ./provider
	$(GO) run ./test/socketbench -bin bin -rounds 1 -window 50ms

# One rule a tool, so that nobody waits for what is not needed; the versions stand in tools/go.mod.
$(TOOLS)/versitygw: PACKAGE := github.com/versity/versitygw/cmd/versitygw
$(TOOLS)/golangci-lint: PACKAGE := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(TOOLS)/gofumpt: PACKAGE := mvdan.cc/gofumpt
$(TOOLS)/benchstat: PACKAGE := golang.org/x/perf/cmd/benchstat
$(TOOLS)/toxiproxy-server: PACKAGE := github.com/Shopify/toxiproxy/v2/cmd/server
$(TOOLS)/%: tools/go.mod tools/go.sum
	cd tools && $(GO) build -trimpath -ldflags '-s -w' -o ../$@ $(PACKAGE)

# Helm 4 and 3, and the validator of manifests; the versions stand in tools/helm/go.mod. Helm knows its own only where the build says it, and
# Helm 3 likewise the Kubernetes that it renders for, which is that of its client.
$(TOOLS)/helm: PACKAGE := helm.sh/helm/v4/cmd/helm
$(TOOLS)/helm3: PACKAGE := helm.sh/helm/v3/cmd/helm
$(TOOLS)/kubeconform: PACKAGE := github.com/yannh/kubeconform/cmd/kubeconform
$(TOOLS)/helm $(TOOLS)/helm3 $(TOOLS)/kubeconform: tools/helm/go.mod tools/helm/go.sum
	cd tools/helm && minor=$$($(GO) list -m -f '{{.Version}}' k8s.io/client-go | cut -d . -f 2) && $(GO) build -trimpath \
	  -ldflags "-s -w $$($(GO) list -m -f '-X {{.Path}}/internal/version.version={{.Version}}' helm.sh/helm/v3 helm.sh/helm/v4 | tr '\n' ' ') \
	  -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=$$minor -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$$minor" -o ../../$@ $(PACKAGE)

$(TOOLS)/helm-docs: tools/helm-docs/go.mod tools/helm-docs/go.sum
	cd tools/helm-docs && $(GO) build -trimpath -ldflags '-s -w' -o ../../$@ github.com/norwoodj/helm-docs/cmd/helm-docs

# Kubernetes, of the version that tools/kubernetes/go.mod pins: five minutes on two cores for the first of them, and most of them share its work.
$(KUBERNETES)/etcd: PACKAGE := go.etcd.io/etcd/server/v3
$(addprefix $(KUBERNETES)/,kube-apiserver kube-controller-manager kube-scheduler kubectl kubelet): PACKAGE = k8s.io/kubernetes/cmd/$(@F)
$(KUBERNETES)/%: tools/kubernetes/go.mod tools/kubernetes/go.sum
	cd tools/kubernetes && version=$$($(GO) list -m -f '{{.Version}}' k8s.io/kubernetes) && minor=$${version#v1.} && $(GO) build -trimpath \
	  -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$${minor%%.*}" \
	  -o ../../$@ $(PACKAGE)

# The kinds of others that the chart may make: cert-manager's and the Prometheus operator's.
$(KUBERNETES)/crds: tools/crds/go.mod tools/crds/go.sum
	rm -rf $@ $@.new && mkdir -p $@.new && cd tools/crds && $(GO) mod download && install -m 644 \
	  $$($(GO) list -m -f '{{.Dir}}/deploy/crds/cert-manager.io_*.yaml' github.com/cert-manager/cert-manager) \
	  $$($(GO) list -m -f '{{with .Dir}}{{.}}/example/prometheus-operator-crd/*_podmonitors.yaml {{.}}/example/prometheus-operator-crd/*_prometheusrules.yaml{{end}}' \
	  github.com/prometheus-operator/prometheus-operator) ../../$@.new
	mv $@.new $@

clean: ## remove what was built
	rm -rf bin

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12
