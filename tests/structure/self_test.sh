#!/usr/bin/env bash
# Plants one fault after the other in a small tree and expects check.sh to name each, and nothing without them.
set -euo pipefail
check=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check.sh
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
failed=0

clean_tree() {
  rm -rf "${root:?}"/*
  mkdir -p "$root"/{core/kernels,autograd/ops,layers,optim,data,interop,tests,examples,cmake}
  cd "$root"
  echo '#include <vector>' >core/shape.h
  echo '#include <evenkeel/core/shape.h>' >autograd/tensor.h
  echo '#include <evenkeel/autograd/tensor.h>' | tee layers/module.h optim/sgd.h data/loader.h >autograd/ops/add.h
  printf '%s\n' '/// Internal: the header of a file.' '#include <evenkeel/layers/module.h>' >interop/parse.h
  echo '#include <evenkeel/core/shape.h>' >core/kernels/sum.h
  printf '%s\n' '#include <evenkeel/core/kernels/sum.h>' '#include <Eigen/Core>' '#pragma omp simd' >core/kernels/sum.cpp
  echo '#include <spdlog/spdlog.h>' >core/log.cpp
  echo '#include <omp.h>' >core/parallel.cpp
  printf '%s\n' '#include <evenkeel/interop/parse.h>' '#include <nlohmann/json.hpp>' >interop/parse.cpp
  echo '#include <evenkeel/evenkeel.h>' | tee tests/shape_test.cpp >examples/xor.cpp
  echo 'target_compile_options(evenkeel PRIVATE -O2)' >CMakeLists.txt
  printf '#include <evenkeel/%s>\n' autograd/ops/add.h autograd/tensor.h core/shape.h data/loader.h layers/module.h \
    optim/sgd.h >evenkeel.h
}

# plant RULE FILE LINE...: a clean tree with these lines added to one file is refused, by rule and file.
plant() {
  local rule=$1 file=$2 output
  shift 2
  clean_tree
  printf '%s\n' "$@" >>"$file"
  if output=$(bash "$check" "$root"); then
    echo "accepted in $file: $1"
    failed=1
  elif [[ $output != *"$rule"*"${file#./}"* ]]; then
    echo "expected \"$rule: $file\" for $1, got:" "$output"
    failed=1
  fi
}

clean_tree
bash "$check" "$root" || { echo "refused a clean tree"; failed=1; }

arrows='include against the arrows'
plant "$arrows" core/shape.h '#include <evenkeel/autograd/tensor.h>'
plant "$arrows" core/log.cpp '#include <evenkeel/data/loader.h>'
plant "$arrows" core/kernels/sum.cpp '#include <evenkeel/layers/module.h>'
plant "$arrows" autograd/tensor.h '#include <evenkeel/layers/module.h>'
plant "$arrows" autograd/ops/add.h '  #  include <evenkeel/optim/sgd.h>'
plant "$arrows" layers/module.h '#include <evenkeel/optim/sgd.h>'
plant "$arrows" layers/module.h '#include <evenkeel/data/loader.h>'
plant "$arrows" optim/sgd.h '#include <evenkeel/layers/module.h>'
plant "$arrows" optim/sgd.h '#include <evenkeel/data/loader.h>'
plant "$arrows" data/loader.h '#include <evenkeel/layers/module.h>'
plant "$arrows" data/loader.h '#include <evenkeel/interop/parse.h>'
plant "$arrows" interop/parse.cpp '#include <evenkeel/tests/support.h>'
plant "$arrows" core/log.cpp '#include <evenkeel/evenkeel.h>'
plant "$arrows" interop/parse.cpp '#include <evenkeel/evenkeel.h>'
plant 'include that is not <evenkeel/...>' core/log.cpp '#include "log.h"'
plant 'include that is not <evenkeel/...>' tests/shape_test.cpp '#include "../core/shape.h"'

plant 'library in a header' core/kernels/sum.h '#include <Eigen/Core>'
plant 'library in a header' core/shape.h '#include <spdlog/spdlog.h>'
plant 'library in a header' data/loader.h '#include <zlib.h>'
plant 'library in a header' interop/parse.h '#include <nlohmann/json.hpp>'
plant 'library in a header' core/kernels/sum.h '#pragma omp parallel for'
plant 'internal header in a public one' autograd/tensor.h '#include <evenkeel/core/kernels/sum.h>'
plant 'Eigen or OpenMP outside' core/log.cpp '#include <Eigen/Core>'
plant 'Eigen or OpenMP outside' layers/linear.cpp '#pragma omp parallel for'
plant 'Eigen or OpenMP outside' autograd/ops/add.cpp '#include <omp.h>'
plant 'spdlog outside' core/parallel.cpp '#include <spdlog/spdlog.h>'

plant 'public header missing in evenkeel.h' layers/linear.h '#include <vector>'
plant 'public header missing in evenkeel.h' optim/adam.h '#include <vector>'
plant 'internal header in a public one' data/loader.h '#include <evenkeel/core/kernels/sum.h>'

mapfile -t long < <(seq 401)
plant 'more than 400 lines' tests/shape_test.cpp "${long[@]/#/// }"
plant 'more than 400 lines' cmake/long.cmake "${long[@]/#/# }"

math=fast-math how=optimize  # put together here, so that this file may stay in the tree
plant 'flag that changes arithmetic' CMakeLists.txt "target_compile_options(evenkeel PRIVATE -f$math)"
plant 'flag that changes arithmetic' cmake/flags.cmake "add_compile_options(-O${math%-math})"
plant 'flag that changes arithmetic' core/kernels/sum.cpp "#pragma GCC $how(\"O3\")"

clean_tree
echo '#include <evenkeel/interop/parse.h>' >>evenkeel.h
if bash "$check" "$root" >/dev/null; then echo "accepted an internal header in evenkeel.h"; failed=1; fi

exit "$failed"
