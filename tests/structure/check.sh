#!/usr/bin/env bash
# check.sh ROOT: the rules of the house that a compiler does not know. Prints every fault as
# `rule: file:line:text` and fails if there is one. self_test.sh shows that each rule can fail.
set -euo pipefail
cd "$1"

faults=0
refuse() {  # refuse RULE LINES
  [ -z "$2" ] && return
  faults=1
  while IFS= read -r line; do echo "$1: $line"; done <<<"$2"
}
present() { for path in "$@"; do [ ! -e "$path" ] || echo "$path"; done; }
code() { find "$@" -name '*.h' -o -name '*.cpp' | LC_ALL=C sort; }
# search PATTERN FILES...: as grep -nE, with names always, content if nothing is found or there are no files.
search() { if (($# > 1)); then grep -HnE -e "$@" || (($? == 1)); fi; }
include='^[[:space:]]*#[[:space:]]*include[[:space:]]*'

mapfile -t inside < <(present core autograd layers optim data interop)
mapfile -t around < <(present examples tests benchmarks)
mapfile -t library < <(code "${inside[@]}")
mapfile -t sources < <(present evenkeel.h; code "${inside[@]}" "${around[@]}")

# The arrows. Inside, one folder includes nothing but itself and those named here, so not evenkeel.h either.
declare -A sees=([core]='core' [autograd]='core|autograd' [layers]='core|autograd|layers'
  [optim]='core|autograd|optim' [data]='core|autograd|data' [interop]='core|autograd|layers|optim|data|interop')
for folder in "${inside[@]}"; do
  mapfile -t files < <(code "$folder")
  refuse "include against the arrows" \
    "$(search "$include[<\"]evenkeel/" "${files[@]}" | grep -vE "[<\"]evenkeel/(${sees[$folder]})/" || true)"
done
refuse 'include that is not <evenkeel/...>' "$(search "$include\"" "${sources[@]}")"

# Public headers name no library but the standard one, and no header that is not installed.
mapfile -t headers < <(printf '%s\n' "${library[@]}" | grep '\.h$' || true)
public=() private=()
for header in "${headers[@]}"; do
  if [[ $header == core/kernels/* ]] || grep -q '^/// Internal:' "$header"; then private+=("$header")
  else public+=("$header"); fi
done
refuse "library in a header" "$(search "$include<(Eigen|unsupported|omp\.h|spdlog|fmt|zlib\.h|nlohmann)|#pragma omp" \
  "${headers[@]}")"
for header in "${private[@]}"; do
  refuse "internal header in a public one" "$(search "$include<evenkeel/$header>" "${public[@]}")"
done

# evenkeel.h includes just the public headers.
missing=$(comm -3 <(printf '%s\n' "${public[@]}") \
  <(sed -nE 's|^#include <evenkeel/(.*)>.*|\1|p' evenkeel.h | LC_ALL=C sort))
refuse "public header missing in evenkeel.h (or, indented, too much there)" "$missing"

# Where the libraries may appear.
mapfile -t others < <(printf '%s\n' "${library[@]}" | grep -vE '^core/(kernels/.*|parallel)\.cpp$' || true)
refuse "Eigen or OpenMP outside core/kernels and core/parallel.cpp" \
  "$(search "$include<(Eigen|unsupported|omp\.h)|#pragma omp" "${others[@]}")"
mapfile -t others < <(printf '%s\n' "${library[@]}" | grep -v '^core/log\.cpp$' || true)
refuse "spdlog outside core/log.cpp" "$(search "$include<(spdlog|fmt)/" "${others[@]}")"

# Files stay readable in one sitting, scripts too.
mapfile -t texts < <(present CMakeLists.txt CMakePresets.json .ci/run
  find "${inside[@]}" "${around[@]}" $(present cmake scripts) -name CMakeLists.txt -o -name '*.cmake*' \
    -o -name '*.sh' -o -name '*.py')
refuse "more than 400 lines" "$(for file in "${sources[@]}" "${texts[@]}"; do
  lines=$(wc -l <"$file")
  if ((lines > 400)); then echo "$file: $lines"; fi
done)"

# NaN, Inf and the order of sums keep their meaning. (The brackets keep this file from matching itself.)
refuse "flag that changes arithmetic" "$(search \
  '-Of[a]st|-f(f[a]st-math|unsafe-m[a]th|finite-m[a]th|associative-m[a]th|reciprocal-m[a]th)|pragma.*(optim[i]ze|float_c[o]ntrol)' \
  "${sources[@]}" "${texts[@]}")"

exit "$faults"
