#!/usr/bin/env bash
# snippets.sh ROOT INCLUDE COMPILER: the C++ in README.md and docs/*.md compiles. A block is the body of a function that is given a net,
# its optimizer, a loader and a batch; whole programs, which have an #include, are not looked at.
set -euo pipefail
root=$1 include=$2 compiler=$3
source=$(mktemp --suffix=.cpp)
trap 'rm -f "$source"' EXIT

{
  echo '#include <evenkeel/evenkeel.h>'
  echo '#include <iostream>'
  echo 'namespace ek = evenkeel;'
  awk '
    /^```cpp$/ { inside = 1; first = FNR + 1; block = ""; next }
    /^```$/ && inside {
      inside = 0
      if (block ~ /#include/) next
      print "[[maybe_unused]] static void snippet([[maybe_unused]] ek::Sequential& net, [[maybe_unused]] ek::SGD& sgd,"
      print "    [[maybe_unused]] const ek::data::DataLoader& loader, [[maybe_unused]] const ek::Tensor& batch,"
      print "    std::integral_constant<int, " ++count ">) {"
      print "#line " first " \"" FILENAME "\"\n" block "}"
    }
    inside { block = block $0 "\n" }
  ' "$root"/README.md "$root"/docs/*.md
} >"$source"
grep -q '^#line' "$source" || { echo "no snippets in $root/docs"; exit 1; }
"$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Wno-unused-variable -Werror -I "$include" "$source"
