# shellcheck shell=bash
# Sourced: Debian packages of any release, unpacked beside the machine's own. apt checks them against
# the signed lists of their release.

# configure_apt RELEASE: an apt of our own for this release; sets `apt` to its folder. It reads its
# lists once a build.
configure_apt() {
    local release=$1 kind url
    apt=$work/apt/$release
    [ ! -e "$apt/apt.conf" ] || return 0
    mkdir -p "$apt"/lists/partial "$apt"/debs/partial
    : > "$apt/status"
    while read -r kind url; do
        case $kind in
            security) debian_source "$url" "$release-security" ;;
            *)        debian_source "$url" "$release"
                      debian_source "$url" "$release" | sed 's/^deb/&-src/' ;;
        esac
    done < <(debian_mirrors) > "$apt/sources.list"
    [ -s "$apt/sources.list" ] || die "no Debian mirror among this machine's apt sources"
    cat > "$apt/apt.conf" <<-CONF
	Dir::Etc::sourcelist "$apt/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::State "$apt";
	Dir::State::lists "$apt/lists";
	Dir::State::status "$apt/status";
	Dir::Cache "$apt";
	Dir::Cache::archives "$apt/debs";
	APT::Architecture "amd64";
	APT::Architectures "amd64";
	APT::Sandbox::User "root";
	CONF
    APT_CONFIG=$apt/apt.conf apt-get update -qq >&2
}

# fetch RELEASE DIR PACKAGE...: downloads packages, without what they depend on, and unpacks them
fetch() {
    local apt release=$1 dir=$2 deb
    shift 2
    configure_apt "$release"
    (cd "$apt/debs" && APT_CONFIG=$apt/apt.conf apt-get download -qq "$@" >&2)
    mkdir -p "$dir"
    for deb in "$apt"/debs/*.deb; do dpkg-deb -x "$deb" "$dir"; done
}

# fetch_source RELEASE DIR PACKAGE: downloads a source package
fetch_source() {
    local apt release=$1 dir=$2 package=$3
    configure_apt "$release"
    mkdir -p "$dir"
    (cd "$dir" && APT_CONFIG=$apt/apt.conf apt-get source -qq --download-only "$package" >&2)
}
