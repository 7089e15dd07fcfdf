#include <evenkeel/benchmarks/rows/server.h>
#include <evenkeel/core/check.h>
#include <evenkeel/interop/safetensors.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

namespace evenkeel::benchmarks {
namespace {

std::string times(const Row& row, int steps) {
  std::ostringstream seconds;
  for (int i = 0; i < steps; ++i) {
    const auto start = std::chrono::steady_clock::now();
    row.step();
    seconds << ' ' << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return seconds.str();
}

/// Bytes, of this program alone: what getrusage says includes the process that it was forked from.
std::string peak_memory() {
  std::ifstream status("/proc/self/status");
  std::int64_t kib = 0;
  for (std::string word; status >> word;)
    if (word == "VmHWM:") status >> kib;
  return ' ' + std::to_string(kib * 1024);
}

std::string rest_of(std::istream& line) {
  std::string rest;
  std::getline(line >> std::ws, rest);
  return rest;
}

std::string answer(const Side& side, Row& row, const std::string& text) {
  std::istringstream line(text);
  std::string command, path;
  int count = 0;
  line >> command;
  if (const auto found = side.more.find(command); found != side.more.end()) return ' ' + found->second();
  if (command == "threads") {
    line >> count;
    side.set_threads(count);
  } else if (command == "load") {
    line >> path;
    row = side.load(path, Spec(rest_of(line)));
  } else if (command == "check") {
    write_safetensors(rest_of(line), {.tensors = row.results(), .metadata = {}});
  } else if (command == "time") {
    line >> count;
    return times(row, count);
  } else if (command == "memory") {
    return peak_memory();
  } else {
    fail("unknown command: ", text);
  }
  return {};
}

}  // namespace

Spec::Spec(const std::string& words) {
  std::istringstream all(words);
  for (std::string word; all >> word;) {
    const auto equals = word.find('=');
    check(equals != std::string::npos, "spec: expected key=value, got ", word);
    words_[word.substr(0, equals)] = word.substr(equals + 1);
  }
}

std::string Spec::text(const std::string& key) const {
  check(has(key), "spec: no ", key);
  return words_.at(key);
}
std::string Spec::text(const std::string& key, const std::string& otherwise) const {
  return has(key) ? words_.at(key) : otherwise;
}
std::int64_t Spec::number(const std::string& key) const { return std::stoll(text(key)); }
std::int64_t Spec::number(const std::string& key, std::int64_t otherwise) const {
  return has(key) ? number(key) : otherwise;
}
Shape Spec::shape(const std::string& key) const {
  std::vector<std::int64_t> dims;
  std::istringstream numbers(text(key));
  for (std::string dim; std::getline(numbers, dim, ',');) dims.push_back(std::stoll(dim));
  return Shape(dims);
}

int serve(const Side& side) {
  Row row;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      const std::string text = answer(side, row, line);
      std::cout << "ok" << text << std::endl;
    } catch (const std::exception& error) {
      std::cout << "error " << error.what() << std::endl;
    }
  }
  return 0;
}

}  // namespace evenkeel::benchmarks
