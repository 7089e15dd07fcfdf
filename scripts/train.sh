#!/usr/bin/env bash
# Trains LeNet with BatchNorm on Fashion-MNIST; see --help.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [[ ${1:-} == --help || ${1:-} == -h ]]; then
  cat <<'HELP'
Usage: scripts/train.sh [OPTIONS]

Installs what is missing (apt-get, as root or by sudo), builds Evenkeel for this machine in build/release and
trains LeNet with BatchNorm on Fashion-MNIST. Ends with the test accuracy and the path of the report.

OPTIONS go to examples/train_fashion_mnist, after --model lenet --norm batch, which they override. Some:
  --model lenet|resnet20   --norm batch|instance|group|layer|none   --dialect torch|mindspore
  --epochs N   --batch-size N   --lr X   --threads N   --seed N   --limit N   --data FOLDER   --out FOLDER
All of them: build/release/examples/train_fashion_mnist --help
HELP
  exit
fi

# shellcheck source=lib/packages.sh
source "$root/scripts/lib/packages.sh"
require_packages "${build_packages[@]}" dataset-fashion-mnist libcli11-dev

(cd "$root" && cmake --preset release -DEVENKEEL_BUILD_TESTS=OFF && cmake --build --preset release --target train_fashion_mnist)
exec "$root/build/release/examples/train_fashion_mnist" --model lenet --norm batch "$@"
