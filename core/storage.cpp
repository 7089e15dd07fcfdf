#include <evenkeel/core/check.h>
#include <evenkeel/core/storage.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace evenkeel {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t always_cached = std::size_t{64} << 20;

/// Blocks come in size classes, eight to each power of two, so that at most an eighth of a block is waste.
struct SizeClass {
  explicit SizeClass(std::size_t bytes) {
    const std::size_t step = std::max(alignment, std::bit_floor(bytes) / 8);
    const std::size_t steps = (bytes + step - 1) / step;
    size = steps * step;
    number = static_cast<std::size_t>(std::countr_zero(step)) * 8 + steps;
  }
  static constexpr std::size_t count = 512;  // more than 8 * 61 + 16, of the largest step

  std::size_t size, number;
};

/// Large blocks live long and are swept from end to end: with pages of 2 MiB, where the system has them, a
/// core finds its way through them without misses, and a first touch is one page fault instead of 512.
void ask_for_huge_pages([[maybe_unused]] void* block, [[maybe_unused]] std::size_t size) {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t page = std::size_t{2} << 20;
  const auto begin = (std::bit_cast<std::uintptr_t>(block) + page - 1) / page * page;
  const auto end = (std::bit_cast<std::uintptr_t>(block) + size) / page * page;
  if (begin < end) madvise(std::bit_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // may be refused
#endif
}

/// Free blocks by size. Never destroyed: arrays may outlive every static object.
class Pool {
 public:
  static Pool& instance() {
    static Pool* const pool = new Pool;
    return *pool;
  }

  void* allocate(std::size_t bytes) {
    const auto [size, number] = SizeClass(bytes);
    {
      const std::lock_guard lock(mutex_);
      stats_.in_use += size;
      stats_.peak = std::max(stats_.peak, stats_.in_use);
      if (number < free_.size() && !free_[number].empty()) {
        void* const block = free_[number].back();
        free_[number].pop_back();
        stats_.cached -= size;
        return block;
      }
    }
    void* block = allocate_from_system(size);
    if (block == nullptr) {
      release_cached();
      block = allocate_from_system(size);
    }
    if (block == nullptr) {
      const std::lock_guard lock(mutex_);
      stats_.in_use -= size;
      fail("Array: the system has no memory for ", bytes, " bytes");
    }
    return block;
  }

  void deallocate(void* block, std::size_t bytes) noexcept {
    const SizeClass of_block(bytes);
    const std::size_t size = of_block.size;
    FreeBlocks stale;
    {
      const std::lock_guard lock(mutex_);
      stats_.in_use -= size;
      // More than was ever in use at once is not worth keeping: the sizes have changed, and the old ones go.
      if (stats_.in_use + stats_.cached + size > stats_.peak + always_cached) stale = take_cached();
      if (keep(of_block, block)) block = nullptr;
    }
    if (block != nullptr) release(block);
    release(stale);
  }

  void release_cached() {
    FreeBlocks blocks;
    {
      const std::lock_guard lock(mutex_);
      blocks = take_cached();
    }
    release(blocks);
  }

  MemoryStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  using FreeBlocks = std::vector<std::vector<void*>>;  // by the number of their class; empty at first

  static void* allocate_from_system(std::size_t size) {
    void* const block = ::operator new (size, std::align_val_t{alignment}, std::nothrow);
    if (block != nullptr) ask_for_huge_pages(block, size);
    return block;
  }
  static void release(void* block) noexcept { ::operator delete (block, std::align_val_t{alignment}); }
  static void release(const FreeBlocks& blocks) noexcept {
    for (const auto& list : blocks)
      for (void* const block : list) release(block);
  }
  FreeBlocks take_cached() noexcept {
    stats_.cached = 0;
    return std::exchange(free_, {});
  }
  bool keep(const SizeClass& of_block, void* block) noexcept {
    try {
      if (free_.empty()) free_.resize(SizeClass::count);
      free_[of_block.number].push_back(block);
    } catch (const std::bad_alloc&) {
      return false;
    }
    stats_.cached += of_block.size;
    return true;
  }

  std::mutex mutex_;
  FreeBlocks free_;
  MemoryStats stats_;
};

/// Lets allocate_shared put counts, header and values into one block.
template <class T>
struct BlockAllocator {
  using value_type = T;

  explicit BlockAllocator(std::size_t values) : bytes(values) {}
  template <class U>
  explicit(false) BlockAllocator(const BlockAllocator<U>& other) : bytes(other.bytes) {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(detail::pool_allocate(n * sizeof(T) + bytes + alignment));
  }
  void deallocate(T* block, std::size_t n) noexcept {
    detail::pool_deallocate(block, n * sizeof(T) + bytes + alignment);
  }
  bool operator==(const BlockAllocator&) const = default;

  std::size_t bytes;
};

}  // namespace

void* detail::pool_allocate(std::size_t bytes) { return Pool::instance().allocate(bytes); }
void detail::pool_deallocate(void* block, std::size_t bytes) noexcept {
  Pool::instance().deallocate(block, bytes);
}

std::shared_ptr<Storage> allocate_storage(std::size_t bytes) {
  auto storage = std::allocate_shared<Storage>(BlockAllocator<Storage>(bytes));
  const auto behind = std::bit_cast<std::uintptr_t>(storage.get() + 1);
  auto* const first = static_cast<std::byte*>(static_cast<void*>(storage.get() + 1));
  storage->data = first + (alignment - behind % alignment) % alignment;
  return storage;
}

MemoryStats memory_stats() { return Pool::instance().stats(); }
void release_cached() { Pool::instance().release_cached(); }

}  // namespace evenkeel
