#!/bin/sh
# Unpacks what lies beside this file and runs bench/device/run.ts by the Node among it. It needs a shell, tar, and xz or
# a python3 that has lzma: no Node, no network, nothing installed.
#   sh run.sh --out DIR [--rehearse] [--python PROGRAM] [--driver FILE] [--minutes 9]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

for archive in "$here"/*.tar.xz; do
  if command -v xz > /dev/null; then
    xz -dc "$archive" | tar -x -C "$work" -f -
  else
    python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1], "r:xz").extractall(sys.argv[2])' "$archive" "$work"
  fi
done
"$work/node" "$work/weft/bench/device/run.ts" "$@"
