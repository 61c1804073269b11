# k8sm: `make up` brings up a cluster on this machine, `make down` removes it. See docs/development.md.

PREFIX ?= /usr/local
DESTDIR ?=
K8SM = $(shell .ci/executable)

.PHONY: up down build test bench bench-api bench-dns bench-node conformance fuzz install prerequisites completions

# Installs what is missing, builds, and brings up a cluster with two nodes.
up: build
	$(K8SM) up $(UP)

# Removes the cluster; the executable and the packages stay.
down:
	@test -x "$(K8SM)" || { echo "$(K8SM) is not built, so it brought nothing up"; exit 2; }
	$(K8SM) down $(DOWN)

build: prerequisites
	cargo build --release

# Every test; see .ci/test.
test:
	.ci/test

# What docs/performance.md shows, measured on this machine.
bench: build
	tests/images/build
	cargo bench --bench cluster

# Pods, a node and services beside what they cost without us, into docs/performance.md.
bench-node: build
	tests/images/build iperf3
	cargo bench --bench node

# The name server beside dnsmasq, into docs/performance.md.
bench-dns: build
	.ci/prerequisites bench
	benches/dns/run "$(K8SM)"

# The API server beside its etcd, into docs/performance.md.
bench-api: build
	.ci/prerequisites bench
	K8SM="$(K8SM)" cargo bench -p apiserver --bench api

# Kubernetes' own conformance tests, built from Debian's source package, on a cluster of their own.
conformance: build
	tests/kubernetes/build
	tests/kubernetes/run "$(K8SM)"

# Each target of fuzz/ for so many seconds.
SECONDS_EACH ?= 60
fuzz:
	fuzz/run $(SECONDS_EACH)

install: build
	install -D -m 755 "$(K8SM)" "$(DESTDIR)$(PREFIX)/bin/k8sm"
	ln -sf k8sm "$(DESTDIR)$(PREFIX)/bin/km"
	ln -sf k8sm "$(DESTDIR)$(PREFIX)/bin/kubecfg"
	install -D -m 644 completions/k8sm.bash "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/k8sm"
	install -D -m 644 completions/_k8sm "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_k8sm"
	install -D -m 644 completions/k8sm.fish "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/k8sm.fish"

prerequisites:
	@.ci/prerequisites

# Writes the shells' completions anew; a test holds them to the commands.
completions: build
	for shell in bash zsh fish powershell elvish; do "$(K8SM)" completions $$shell --directory completions || exit 1; done
