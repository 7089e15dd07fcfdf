#pragma once
/// Memory of arrays: 64-byte aligned, shared, from a caching pool. A training step allocates the same sizes
/// again and again; the pool gives them back without asking the system, whose page faults would cost more
/// than the arithmetic.

#include <cstddef>
#include <cstdint>
#include <memory>

namespace evenkeel {

/// The values of an array. `version` counts the writes, so that a backward can tell whether a value it needs
/// is stale.
struct Storage {
  std::byte* data = nullptr;
  std::uint64_t version = 0;
};

/// Room for `bytes` bytes at a 64-byte boundary, not zeroed. Throws ArgumentError when there is no memory.
std::shared_ptr<Storage> allocate_storage(std::size_t bytes);

/// What the pool holds, in bytes.
struct MemoryStats {
  std::size_t in_use = 0;  ///< held by living arrays
  std::size_t cached = 0;  ///< free, kept for reuse
  std::size_t peak = 0;    ///< the largest in_use so far
};
MemoryStats memory_stats();

/// Gives all cached memory back to the system.
void release_cached();

namespace detail {

void* pool_allocate(std::size_t bytes);
void pool_deallocate(void* block, std::size_t bytes) noexcept;

}  // namespace detail
}  // namespace evenkeel
