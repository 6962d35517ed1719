#!/bin/sh
# Installs what the bench compares with: s6 and runit from Debian (needs root), supervisord from PyPI and pm2 from npm into bench/.peers.
set -eu
cd "$(dirname "$0")/.."
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends s6 execline runit python3-venv gcc libc6-dev >/dev/null
  docker compose version >/dev/null 2>&1 || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-compose >/dev/null
else
  echo 'not root, or no apt-get: install s6 and runit yourself' >&2
fi
mkdir -p .peers
# One that was made in another folder bears its path, and nothing in it can be run.
.peers/venv/bin/pip --version >/dev/null 2>&1 || python3 -m venv --clear .peers/venv
.peers/venv/bin/pip install -q 'setuptools<80' supervisor==4.3.0
echo '{ "private": true }' >.peers/package.json
npm install --prefix .peers --ignore-scripts --no-audit --no-fund --loglevel=error pm2@7.0.4
