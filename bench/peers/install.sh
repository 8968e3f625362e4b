#!/usr/bin/env bash
# install.sh [DIR]: the peers, in environments of their own (about 1 GB). DIR is $BENCH_HOME or ~/.cache/crossgate-bench.
# Needs Python 3.11+ with venv, node 20+ and npm; xmlsec1 is installed with apt-get if it is missing (needs root).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${1:-${BENCH_HOME:-$HOME/.cache/crossgate-bench}}
python=${PYTHON:-python3}
mkdir -p "$home/node"

node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null ||
    { echo "node 20 or later and npm are needed" >&2; exit 1; }
command -v xmlsec1 >/dev/null || { apt-get update -qq && apt-get install -y -qq xmlsec1 >/dev/null; }

# The stamp holds what was asked for: a changed pin installs again.
wanted=$(sha256sum "$here/install.sh" "$here/package.json" | cut -c1-64)
[ "$(cat "$home/.installed" 2>/dev/null || true)" != "$wanted" ] || exit 0

echo "Installing the peers into $home" >&2
[ -x "$home/venv/bin/python" ] || "$python" -m venv "$home/venv"
# lxml and xmlsec are wheels built against the same libxml2.
"$home/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary lxml,xmlsec \
    lxml==6.1.3 xmlsec==1.3.17 pysaml2==7.5.5 SATOSA==8.6.0 python3-saml==1.16.0 gunicorn==27.0.1 packaging 'moto[server]==5.2.5'
cp "$here/package.json" "$home/node/"
(cd "$home/node" && npm install --silent --no-audit --no-fund)
echo "$wanted" >"$home/.installed"
