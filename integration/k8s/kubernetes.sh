# shellcheck shell=bash
# Sourced: Kubernetes' own programs, which nobody ships as packages. Debian bookworm's source package
# is the last one that has them all; it is compiled in a chroot with that Debian's Go.

kubernetes=1.20.2
kubernetes_commit=faecb196815e248d3ecfb03c680a4507229c2a56
kubernetes_programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet)

# build_kubernetes DIR: compiles them into DIR, which is there only when it is complete
build_kubernetes() {
    local root=$work/root
    say "compiling Kubernetes $kubernetes, which takes 5 to 15 minutes"
    make_chroot "$root"
    unpack_source "$root/k8s"
    write_recipe > "$root/recipe"
    # In namespaces of its own: the mount and all compilers go with it, however it ends.
    # shellcheck disable=SC2016 # the inner shell's
    nice unshare --mount --pid --fork --kill-child --propagation private bash -c '
        mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env -i /bin/bash /recipe' "$root" |
        while read -r line; do say "$line"; done
    mv "$root/out" "$1"
    rm -rf --one-file-system "$root"
}

# make_chroot DIR: a Debian with Go in it
make_chroot() {
    local packages=golang-go,ca-certificates,make,rsync,jq,file,bsdextrautils kind url sources=()
    while read -r kind url; do
        [ "$kind" != main ] || sources+=("$(debian_source "$url" bookworm)")
    done < <(debian_mirrors)
    say "making a chroot of Debian bookworm with Go"
    nice mmdebstrap --quiet --mode=root --variant=apt \
        --include="$packages,golang-github-modern-go-reflect2-dev" bookworm "$1" "${sources[@]}" >&2
}

unpack_source() {
    local source=$1 reflect2
    fetch_source bookworm "$work/source" kubernetes
    mkdir "$source"
    tar -xzf "$work"/source/kubernetes_*really"$kubernetes".orig.tar.gz -C "$source" --strip-components=1
    # The vendored reflect2 1.0.1 crashes with Go 1.18 and later (map iteration); Debian's 1.0.2 does not.
    reflect2=$source/vendor/github.com/modern-go/reflect2
    rm -f "$reflect2"/*.{go,s}
    cp "$source"/../usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} "$reflect2/"
    rm -f "$reflect2"/*_test.go
}

# What is done inside the chroot. Its stdout is progress.
write_recipe() {
    local date=2021-01-13T00:00:00Z package flags=''
    for package in component-base/version client-go/pkg/version; do
        package=k8s.io/kubernetes/vendor/k8s.io/$package
        flags+=" -X $package.gitMajor=1 -X $package.gitMinor=20 -X $package.gitVersion=v$kubernetes"
        flags+=" -X $package.gitCommit=$kubernetes_commit -X $package.gitTreeState=clean -X $package.buildDate=$date"
    done
    cat <<-RECIPE
	set -euo pipefail
	export HOME=/root GOPATH=/k8s/.go CGO_ENABLED=0 PATH=/usr/lib/go/bin:/usr/sbin:/usr/bin:/sbin:/bin
	export KUBE_GIT_VERSION_FILE=/git-version
	cat > /git-version <<-VERSION
	KUBE_GIT_COMMIT=$kubernetes_commit
	KUBE_GIT_TREE_STATE=clean
	KUBE_GIT_VERSION=v$kubernetes
	KUBE_GIT_MAJOR=1
	KUBE_GIT_MINOR=20
	VERSION
	cd /k8s
	mkdir -p .go/src/k8s.io /out
	ln -sfn ../../.. .go/src/k8s.io/kubernetes
	echo "generating code"
	make generated_files > /log 2>&1 || { tail -n 40 /log >&2; exit 1; }
	cd .go/src/k8s.io/kubernetes
	export GO111MODULE=off
	for program in ${kubernetes_programs[*]}; do
	    echo "compiling \$program"
	    go build -ldflags "-s -w$flags" -o "/out/\$program" "./cmd/\$program"
	done
	RECIPE
}
