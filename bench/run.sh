#!/usr/bin/env bash
# Every benchmark, one table of ratios after the other. Run it on a machine that does nothing else.
set -euo pipefail
cd "$(dirname "$0")"
for part in *.py; do
  echo "== ${part%.py}"
  python3 "$part"
done
