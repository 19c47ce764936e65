# A thin index: each target is a call or two of cargo or of a script. `make help` lists them.

SUITES   := lint unit fuzz netns ovs vm k8s
PLUGINS  := sriov vhostuser ovn multus-lite
TOOLS    := fastpath node-agent latency-scheduler
DEMOS    := sriov multus vhostuser measure

# Executables are built for an explicit target (.cargo/config.toml), so they come out in its folder.
TRIPLE   = $(shell rustc -vV | sed -n 's/^host: //p')

# $(call each,NAMES,FROM,COMMAND,TO): COMMAND FROM/NAME TO/NAME for those that exist
each = @for name in $(1); do [ ! -f $(2)/$$name ] || $(3) $(2)/$$name $(4)/$$name; done

.PHONY: build test test-all $(addprefix test-,$(SUITES)) demo $(addprefix demo-,$(DEMOS)) demo-latency demo-ovn bench bench-sriov bench-multus bench-vhostuser bench-node-agent bench-latency-scheduler image lint install clean help setup bench-ovn

build: setup ## all executables, into target/release
	cargo build --release
	cargo build --release -p ovn -p fastpath
	@mkdir -p target/release
	$(call each,$(PLUGINS) $(TOOLS),target/$(TRIPLE)/release,ln -f,target/release)

test: setup ## every suite: lint, unit, fuzz, netns, ovs, vm, k8s (root; minutes)
	integration/suites.sh $(SUITES)

test-all: setup ## test, with every kill point in the VM too
	FASTPATH_ALL_POINTS=1 integration/suites.sh $(SUITES)

$(addprefix test-,$(SUITES)): test-%: setup ## one suite; TEST=name runs what is so called
	integration/suites.sh $*

lint: test-lint ## format, clippy, documentation, scripts

demo: setup ## all demonstrations, two of them in one boot of a VM
	integration/demo/run.sh $(DEMOS)
	integration/demo/story.sh latency
	integration/demo/story.sh ovn

demo-sriov: setup ## VFs for DPDK and for the kernel, given and taken back, in a VM
	integration/demo/run.sh sriov

demo-multus: setup ## a pod's default network and its VFs from one file, in a VM
	integration/demo/run.sh multus

demo-vhostuser: setup ## a pod between two ports of OVS-DPDK, whose switch restarts (root)
	integration/demo/run.sh vhostuser

demo-measure: setup ## the latency of every path, as figures and a picture (root; and in a VM)
	integration/demo/run.sh measure

demo-latency: setup ## a pod that says only its latency budget, on a real Kubernetes with OVS-DPDK (root)
	integration/demo/story.sh latency

demo-ovn: setup ## an overlay of three chassis: pods, the world outside, a gateway that dies (root)
	integration/demo/story.sh ovn

bench: bench-sriov bench-multus bench-vhostuser bench-ovn bench-node-agent bench-latency-scheduler ## all benchmarks, into docs/benchmarks.md

bench-sriov: setup ## what an attachment of a VF costs, in a VM (OTHER=name=path)
	integration/bench/sriov.sh

bench-multus: setup ## what multus-lite adds to its plugins (root; OTHER=name=path)
	integration/bench/multus.sh

bench-vhostuser: setup ## what a port of OVS-DPDK costs (root; OTHER=name=path)
	integration/bench/vhostuser.sh

bench-ovn: setup ## what a port on an overlay costs, beside the tools (root)
	integration/bench/ovn.sh

bench-node-agent: setup ## the idle agent, and how soon kubelet knows of a change (root)
	integration/bench/node-agent.sh

bench-latency-scheduler: setup ## a question to the extender, and pods/s of kube-scheduler with it (root)
	integration/bench/latency-scheduler.sh

image: setup ## container images of node agent and scheduler, into target/*.oci.tar (root, buildah)
	deploy/image.sh node-agent
	deploy/image.sh latency-scheduler

install: build ## plugins into /opt/cni/bin, tool, agent and scheduler into /usr/local/bin (DESTDIR)
	$(call each,$(PLUGINS),target/release,install -D -m 755,$(DESTDIR)/opt/cni/bin)
	$(call each,$(TOOLS),target/release,install -D -m 755,$(DESTDIR)/usr/local/bin)

clean: ## everything that was built
	cargo clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'
	@echo "test-{lint,unit,fuzz,netns,ovs,vm,k8s}  one suite; TEST=name runs the tests so called"

setup:
	@integration/setup.sh
