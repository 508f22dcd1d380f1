#!/usr/bin/env bash
# Runs every fuzz target (or those named) for SECONDS_EACH seconds, on a nightly toolchain.
#   SECONDS_EACH=60 fuzz/run.sh [TARGET…]
set -euo pipefail
cd "$(dirname "$0")/.."
nightly=${NIGHTLY:-nightly}
seconds=${SECONDS_EACH:-60}

# cargo-fuzz, prebuilt and pinned, where the machine has none.
if ! command -v cargo-fuzz >/dev/null; then
  if [ ! -x fuzz/venv/bin/cargo-fuzz ]; then
    python3 -m venv fuzz/venv
    fuzz/venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r fuzz/requirements.txt
  fi
  PATH="$PWD/fuzz/venv/bin:$PATH"
fi

targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
  mapfile -t targets < <(cargo "+$nightly" fuzz list)
fi
for target in "${targets[@]}"; do
  cargo "+$nightly" fuzz run "$target" -- -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048
done
