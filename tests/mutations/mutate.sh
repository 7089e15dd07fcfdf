#!/usr/bin/env bash
# mutate.sh NAME SOURCE OVERLAY: writes the files that mutation NAME breaks to OVERLAY/evenkeel, as an include path that
# comes before the real one. Fails where the text to be replaced is no longer in the source: then the mutation has to
# follow the code. CMakeLists.txt here says which files each one breaks.
set -euo pipefail
name=$1 source=$2 overlay=$3/evenkeel

replace() {  # replace FILE OLD NEW: the one place where FILE says OLD; a second call goes on with the result
  local file=$overlay/$1 text rest
  if [[ ! -e $file ]]; then
    mkdir -p "$(dirname "$file")"
    cp "$source/$1" "$file"
  fi
  text=$(<"$file")
  rest=${text#*"$2"}
  if [[ $text != *"$2"* || $rest == *"$2"* ]]; then
    echo "mutation $name: expected once in $1: $2" >&2
    exit 1
  fi
  printf '%s\n' "${text/"$2"/"$3"}" >"$file"
}

op=autograd/ops/normalize.cpp
statistics=layers/running_statistics.cpp
kernels=core/kernels

backward_of_zeros() {
  replace $op 'needs(0) ? constant(found.x) : Tensor()' 'needs(0) ? constant(Array(found.x.shape(), found.x.dtype(), found.x.order())) : Tensor()'
}
parameter_gradients_of_zeros() {
  replace $op 'constant(values.relabelled(saved.shape(input), MemoryOrder::row_major))' 'constant(Array(saved.shape(input), values.dtype()))'
}
recorded_backward_of_zeros() {
  replace $op 'return to(h * invstd, grad.dtype());' 'return to(h * invstd * 0.0, grad.dtype());'
}
gamma_ignored() {
  replace $op 'kernels::normalize(x.stored(), value_or_absent(gamma), value_or_absent(beta), how)' 'kernels::normalize(x.stored(), Array(), value_or_absent(beta), how)'
}
gamma_ignored_in_evaluation() {
  replace $op 'value_or_absent(gamma), value_or_absent(beta), moments, how)' 'Array(), value_or_absent(beta), moments, how)'
}
gamma_ignored_backwards() {
  replace $op 'value_or_absent(saved[1]), saved[2].value()' 'Array(), saved[2].value()'
}
gamma_ignored_in_recorded_backward() {
  replace $op 'gamma.defined())
      h = h *' 'gamma.defined())
      h = h + 0.0 *'
}
n_where_n_minus_1_belongs() {
  replace $statistics 'static_cast<double>(batch.count) / static_cast<double>(batch.count - 1)' '1'
}
n_minus_1_where_n_belongs() {
  replace $kernels/normalize_parts.h 'std::max(sums.second - sums.first * apart, 0.0) / n}' 'std::max(sums.second - sums.first * apart, 0.0) / (n - 1)}'
  replace $kernels/normalize_plain.cpp 'var[g] = squares[static_cast<std::size_t>(g)][0] / n;' 'var[g] = squares[static_cast<std::size_t>(g)][0] / (n - 1);'
}
momentum_reversed() {
  replace $statistics 'of_old * static_cast<double>(to[c]) + of_new * values[c]' 'of_new * static_cast<double>(to[c]) + of_old * values[c]'
}
eps_outside_the_root() {
  replace $kernels/normalize_plain.h '1 / std::sqrt(t)' '1 / (std::sqrt(var) + eps)'
}
eps_outside_the_recorded_root() {
  replace $op 'pow(where(is_zero, one, t), -0.5)' 'pow(pow(where(is_zero, one, var), 0.5) + eps, -1)'
}
# Of float32 in double, the mildest form: sums about 0 instead of an element.
mean_of_squares_minus_square_of_mean() {
  replace $kernels/normalize_parts.h 'origin_of(double first) { return std::isfinite(first) ? first : 0; }' 'origin_of(double) { return 0; }'
  replace $kernels/normalize_plain.cpp 'const double apart = static_cast<double>(v[i]) - mean[g];' 'const double apart = static_cast<double>(v[i]);'
  replace $kernels/normalize_plain.cpp '[0] / n;
  });' '[0] / n - mean[g] * mean[g];
  });'
}

rm -rf "$overlay"
"$name"
