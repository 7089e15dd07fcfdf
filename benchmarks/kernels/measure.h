#pragma once
/// How a kernel is measured: registered for one thread and for all, with the work that its definition asks
/// for, whatever it really does. So Winograd may stand above the roof.

#include <evenkeel/core/array.h>

#include <functional>
#include <initializer_list>
#include <string>

namespace evenkeel::benchmarks {

struct Work {
  double flops = 0;
  double bytes = 0;  ///< each array read or written, once
};
void measure(std::initializer_list<std::string> name, Work work, std::function<void()> run);

/// Keeps what a kernel returns from being optimized away.
void keep(const Array& result);

/// Standard normal values.
Array values(const Shape& shape, MemoryOrder order = MemoryOrder::row_major);
/// Parts of a benchmark's name, with slashes between them.
std::string joined(std::initializer_list<std::string> parts);
/// As names say it: 32x64x56x56.
std::string text(const Shape& shape);
/// Bytes of so many float32 arrays of a shape.
double bytes_of(const Shape& shape, int arrays);

inline constexpr MemoryOrder both_orders[]{MemoryOrder::row_major, MemoryOrder::channels_last};
inline const char* text(MemoryOrder order) {
  return order == MemoryOrder::row_major ? "row_major" : "channels_last";
}

// One for each file of this folder.
void measure_convolution();
void measure_elementwise();
void measure_matmul();
void measure_moving();
void measure_normalize();
void measure_pool();
void measure_reduce();
void measure_softmax();

}  // namespace evenkeel::benchmarks
