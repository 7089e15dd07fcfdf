#!/usr/bin/env bash
# Builds and runs the tests; see --help.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [[ ${1:-} == --help || ${1:-} == -h ]]; then
  cat <<'HELP'
Usage: scripts/test.sh [OPTIONS]

Installs what is missing (apt-get, as root or by sudo), builds Evenkeel for this machine in build/release and runs
every test but those labelled install, which build programs outside the tree, and mutation, which builds faulty ones.

OPTIONS go to ctest. Some:
  -L LABEL     only tests of a label: unit, grad, golden, example
  -R PATTERN   only tests whose name matches, such as BatchNorm
  -N           list the tests
HELP
  exit
fi

# shellcheck source=lib/packages.sh
source "$root/scripts/lib/packages.sh"
require_packages "${build_packages[@]}" dataset-fashion-mnist libcli11-dev libgtest-dev

cd "$root"
cmake --preset release -DEVENKEEL_BUILD_TESTS=ON
cmake --build --preset release
ctest --preset release --parallel "$(nproc)" --label-exclude '^(install|mutation)$' "$@"
