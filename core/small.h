#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace evenkeel {

/// A vector whose first N elements live in the object itself: edges and saved values cost no allocation.
template <class T, std::size_t N>
class Small {
 public:
  Small() {}
  Small(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }
  Small(const Small& other) {
    for (const T& value : other) push_back(value);
  }
  Small(Small&& other) noexcept { take(other); }
  Small& operator=(Small other) noexcept {
    clear();
    take(other);
    return *this;
  }
  ~Small() { clear(); }

  /// One more element, default-made (a number is yet to be written).
  T& grow() {
    if (size_ < N) return *::new (static_cast<void*>(few_ + size_++)) T;  // T() would also clear its bytes
    return grow_beyond();
  }
  void push_back(T value) { grow() = std::move(value); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return size_ <= N ? few_ : more_.data(); }
  T* end() { return begin() + size_; }
  const T* begin() const { return size_ <= N ? few_ : more_.data(); }
  const T* end() const { return begin() + size_; }
  T& operator[](std::size_t i) { return begin()[i]; }
  const T& operator[](std::size_t i) const { return begin()[i]; }
  T& back() { return begin()[size_ - 1]; }
  const T& back() const { return begin()[size_ - 1]; }
  void clear() {
    if (size_ <= N) std::destroy_n(few_, size_);
    more_.clear();
    size_ = 0;
  }

 private:
  // Hardly ever called, and not to be inlined wherever something is pushed back.
  [[gnu::noinline, gnu::cold]] T& grow_beyond() {
    if (size_ == N) {
      more_.reserve(2 * N);  // throws, if it does, before anything has moved
      more_.assign(std::make_move_iterator(few_), std::make_move_iterator(few_ + N));
      std::destroy_n(few_, N);
    }
    T& last = more_.emplace_back();
    ++size_;
    return last;
  }
  void take(Small& other) {  // this is empty
    if (other.size_ <= N)
      std::uninitialized_move_n(other.few_, other.size_, few_);
    else
      more_ = std::move(other.more_);
    size_ = other.size_;
    other.clear();
  }

  union {
    T few_[N];  // only the first size_ are made, and none where there are more than N
  };
  std::vector<T> more_;
  std::size_t size_ = 0;
};

}  // namespace evenkeel
