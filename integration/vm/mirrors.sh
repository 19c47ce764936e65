# shellcheck shell=bash
# Sourced: where this machine gets its Debian packages from.

# debian_release: bookworm, ...
debian_release() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

# debian_mirrors: "main URL" and, if the machine has it, "security URL", whatever the files that name
# them are called and whether or not their lists have been read yet
debian_mirrors() {
    # shellcheck disable=SC2016 # apt's own $(SITE)
    local format='$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)'
    # First those whose lists were read, which tell their origin; then all.
    { apt-get indextargets --format "$format" 'Created-By: Packages'
      apt-get indextargets --no-release-info --format "$format" 'Created-By: Packages'; } |
        awk -v codename="$(debian_release)" '
            { sub(/\/+$/, "", $1); kind = "" }
            # Other people keep a "bookworm main" too.
            $4 != "Debian" && $4 != "$(ORIGIN)" { foreign[$1] = 1 }
            $2 ~ /-security$/ { kind = "security" }
            $2 == codename || $2 ~ /^(old)*stable$/ { kind = "main" }
            kind != "" && $3 == "main" && !foreign[$1] {
                rank = ($4 == "Debian" ? 2 : 0) + ($1 ~ /\/debian(-security)?$/) + 1
                if (rank > best[kind]) { best[kind] = rank; url[kind] = $1 }
            }
            END { for (kind in url) print kind, url[kind] }'
}

# debian_source URL SUITE: a line for sources.list
debian_source() { echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 $2 main"; }
