#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

namespace evenkeel {

/// A vector whose first N elements live in the object itself: edges and saved values cost no allocation.
template <class T, std::size_t N>
class Small {
 public:
  Small() = default;
  Small(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }
  /// One more element, default-made.
  T& grow() {
    if (size_ == N) more_.assign(std::make_move_iterator(few_.begin()), std::make_move_iterator(few_.end()));
    ++size_;
    return size_ <= N ? few_[size_ - 1] : more_.emplace_back();
  }
  void push_back(T value) { grow() = std::move(value); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return size_ <= N ? few_.data() : more_.data(); }
  T* end() { return begin() + size_; }
  const T* begin() const { return size_ <= N ? few_.data() : more_.data(); }
  const T* end() const { return begin() + size_; }
  T& operator[](std::size_t i) { return begin()[i]; }
  const T& operator[](std::size_t i) const { return begin()[i]; }
  T& back() { return begin()[size_ - 1]; }
  const T& back() const { return begin()[size_ - 1]; }
  void clear() { *this = Small(); }

 private:
  std::array<T, N> few_{};
  std::vector<T> more_;
  std::size_t size_ = 0;
};

}  // namespace evenkeel
