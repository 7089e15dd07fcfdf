#!/usr/bin/env bash
# run.sh BUILD FOLDER MUTANTS...: builds the mutants that CMakeLists.txt here describes, of which only the broken sources
# are compiled, and runs the tests of normalization in each. Succeeds if the sound library passes and every mutant
# fails a test.
set -euo pipefail
build=$1 folder=$2 survivors=0
shift 2
targets=(mutant_of_nothing "${@/#/mutant_}")
cmake --build "$build" --target "${targets[@]}"

if ! "$folder/mutant_of_nothing" --gtest_brief=1; then
  echo "the tests fail without a mutation"
  exit 1
fi
for mutant in "$@"; do
  output=$("$folder/mutant_$mutant" --gtest_brief=1 --gtest_fail_fast 2>&1) && status=0 || status=$?
  if ((status == 1)) && [[ $output =~ \[\ \ FAILED\ \ \]\ ([A-Za-z0-9_.]+) ]]; then
    echo "$mutant: killed by ${BASH_REMATCH[1]}"
  else
    echo "$mutant: SURVIVED (exit code $status)"
    survivors=$((survivors + 1))
  fi
done
echo "$(($# - survivors)) of $# mutants killed"
((survivors == 0))
