// Our side of compare.py.

#include <evenkeel/benchmarks/roofline.h>
#include <evenkeel/benchmarks/rows/rows.h>
#include <evenkeel/evenkeel.h>

#include <sstream>

namespace {

using namespace evenkeel;
using namespace evenkeel::benchmarks;

Row load_row(const std::filesystem::path& folder, const Spec& spec) {
  auto [inputs, row] = spec.has("net") ? net_row(spec) : spec.has("scalar") ? scalar_row(spec) : op_row(spec);
  write_safetensors(folder / "inputs.safetensors", {.tensors = inputs, .metadata = {}});
  return row;
}

std::string describe_build() {
  const BuildInfo info = build_info();
  return info.version + ", " + info.compiler + ", " + info.isa + (info.debug ? ", debug" : "");
}

/// For one thread and for all: threads, GB/s of copy and triad, GFLOP/s.
std::string rooflines() {
  std::ostringstream os;
  set_num_threads(0);
  for (const int threads : {1, num_threads()}) {
    const Roofline roof = measure_roofline(threads);
    os << roof.threads << ' ' << roof.copy << ' ' << roof.triad << ' ' << roof.fma << ' ';
  }
  return os.str();
}

}  // namespace

int main() {
  return serve({.load = load_row,
                .set_threads = set_num_threads,
                .more = {{"build", describe_build}, {"roofline", rooflines}}});
}
