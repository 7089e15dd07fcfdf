#!/usr/bin/env bash
# run.sh TEST SOURCE BUILD: builds and runs tests/install/consumer outside the tree, as TEST says.
set -euo pipefail
test=$1 source=$2 build=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$source/tests/install/consumer" "$work/program"
cd "$work"
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-field-initializers -Werror"
if "$CXX" --version | grep -q clang; then warnings+=" -Wno-sign-conversion"; fi

fail() {
  echo "$1" >&2
  exit 1
}

# Installs BUILD, then moves it: a package must not know where it was made.
install_from() {
  cmake --install "$1" --prefix "$work/made" >install.log
  mv "$work/made" "$work/prefix"
  export LD_LIBRARY_PATH=$(dirname "$(find "$work/prefix" -name 'libevenkeel.*' -print -quit)")
  export PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
}

configure_and_run() {  # configure_and_run FOLDER OPTIONS...
  cmake -S program -B "$1" -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "${@:2}"
  cmake --build "$1"
  (cd "$1" && ./consumer)
}

# Evenkeel adds nothing to the program's command line but a folder of headers and a language level.
expect_plain_compile_of_main() {
  if grep '"command".*main\.cpp' "$1/compile_commands.json" | grep -E -e '-march|-W|-fopenmp|eigen|nlohmann|SPDLOG|FMT'; then
    fail "the consumer is compiled with flags that are not its own"
  fi
}

find_package() {
  install_from "$build"
  configure_and_run plain -DCMAKE_PREFIX_PATH="$work/prefix"
  expect_plain_compile_of_main plain
}

# Flags unlike those of the library: no vectors, no optimization, checked containers, a newer language.
own_flags() {
  install_from "$build"
  local flags="-O0 -D_GLIBCXX_ASSERTIONS -fno-strict-aliasing -funsigned-char $warnings"
  if [[ $(uname -m) == x86_64 ]]; then flags+=" -march=x86-64"; fi
  configure_and_run flags -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_CXX_STANDARD=23
}

link_by_pkg_config() {
  for link in "" --static; do
    "$CXX" -std=c++20 $warnings -c program/main.cpp -o main.o $(pkg-config --cflags evenkeel)
    "$CXX" -c program/own_eigen.cpp -o own_eigen.o $(pkg-config --cflags eigen3)
    "$CXX" main.o own_eigen.o -o consumer $(pkg-config $link --libs evenkeel)
    ./consumer
  done
}

pkg_config() {
  install_from "$build"
  link_by_pkg_config
}

add_subdirectory() {
  # A checkout of any name; in a copy, so that what lies in the tree from other builds stays out of it.
  mkdir checkout
  (cd "$source" && tar c --exclude='./build*' --exclude=./.git --exclude=./tests .) | tar x -C checkout
  configure_and_run plain -DEVENKEEL_SOURCE="$work/checkout"
  expect_plain_compile_of_main plain
}

# Built as a package would be, but for how well the compiler optimizes. A shared library brings what it depends
# on itself.
shared() {
  local without_dependencies=()
  for package in spdlog fmt ZLIB OpenMP nlohmann_json; do
    without_dependencies+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON")
  done
  cmake -S "$source" -B shared -G Ninja -DBUILD_SHARED_LIBS=ON -DEVENKEEL_NATIVE=OFF -DEVENKEEL_BUILD_TESTS=OFF \
    -DEVENKEEL_BUILD_EXAMPLES=OFF -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG"
  cmake --build shared
  install_from shared
  configure_and_run plain -DCMAKE_PREFIX_PATH="$work/prefix" "${without_dependencies[@]}"
  link_by_pkg_config
}

# What is installed is what users may include, and each header compiles by itself.
headers() {
  install_from "$build"
  cd prefix/include
  [[ -f evenkeel/evenkeel.h && -f evenkeel/core/array.h ]] || fail "headers are missing"
  [[ ! -e evenkeel/core/kernels ]] || fail "headers of kernels are installed"
  if grep -rl '^/// Internal:' .; then fail "internal headers are installed"; fi
  find evenkeel -name '*.h' -print0 |
    xargs -0 -P 2 -I{} "$CXX" -std=c++20 $warnings -fsyntax-only -I. -include {} -x c++ /dev/null
}

"$test"
