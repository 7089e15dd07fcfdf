#pragma once
/// Matrices turned around in memory, such as images between row-major and channels-last.

#include <cstdint>

namespace evenkeel::kernels {

/// to[m][c][r] = from[m][r][c] for so many matrices of rows x columns elements of `element` bytes: 1, 4 or 8.
void transpose(const void* from, void* to, std::int64_t matrices, std::int64_t rows, std::int64_t columns,
               std::int64_t element);

}  // namespace evenkeel::kernels
