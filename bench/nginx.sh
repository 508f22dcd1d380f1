#!/usr/bin/env bash
# Installs the peer of the gateway's benchmark from Debian, without starting it as a service.
set -euo pipefail
command -v nginx >/dev/null && exit 0
[ "$(id -u)" = 0 ] && as=() || as=(sudo)
"${as[@]}" apt-get update -qq
# The service must not take port 80 of a machine that only wants to measure.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as[@]}" tee "$policy" >/dev/null
  "${as[@]}" chmod +x "$policy"
  trap '"${as[@]}" rm -f "$policy"' EXIT
fi
"${as[@]}" apt-get install -y -qq --no-install-recommends nginx
