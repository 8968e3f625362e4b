#!/usr/bin/env bash
# Test Crossgate against other vendors' software, PostgreSQL, Redis and a browser. For Debian 12; as root, or with sudo for the packages.
#
#   tests/parties/run.sh [PYTEST ARGUMENT...]      without arguments: everything
#
#   CROSSGATE_PARTIES_HOME       scratch directory that other users can enter (default: crossgate-parties-UID under the temporary directory)
#   CROSSGATE_PARTIES_ARTIFACTS  where screenshots go (default: artifacts in the former)
#   CROSSGATE_PARTIES_INSTALL=0  install nothing; what is missing is an error
#   CROSSGATE_FUZZ_SECONDS       how long bad input is tried (default 60)
#
# Everything listens on free ports of 127.0.0.1 and keeps its data in the scratch directory. System services are neither used nor touched.
set -euo pipefail
cd "$(dirname "$0")/../.."

export CROSSGATE_PARTIES_HOME=${CROSSGATE_PARTIES_HOME:-${TMPDIR:-/tmp}/crossgate-parties-$(id -u)}
export CROSSGATE_PARTIES_RUN=$CROSSGATE_PARTIES_HOME/run/$$
python=.venv/bin/python
began=$SECONDS

[ -x "$python" ] || { echo "There is no environment yet: run 'make install' first." >&2; exit 2; }
mkdir -p "$CROSSGATE_PARTIES_HOME"
chmod 755 "$CROSSGATE_PARTIES_HOME"

child=
finish() {
    local status=$?
    trap - INT TERM
    # The tests first, so that they start nothing more; each party leads a group of its own and is swept up after them.
    [ -z "$child" ] || kill -TERM -- "-$child" 2>/dev/null || true
    [ -z "$child" ] || wait "$child" 2>/dev/null || true
    "$python" -m tests.parties.kit.process || true      # what should have ended and has not
    echo "--- parties: $([ "$status" -eq 0 ] && echo passed || echo "FAILED ($status)") after $((SECONDS - began)) s"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "${CROSSGATE_PARTIES_INSTALL:-1}" != 0 ]; then
    tests/parties/install.sh
    echo "--- parties: installed after $((SECONDS - began)) s"
fi
# In the background, as a group of its own, so that a signal to this script is acted upon at once and reaches all of it.
set -m
"$python" -m tests.parties "$@" &
child=$!
set +m
wait "$child"
