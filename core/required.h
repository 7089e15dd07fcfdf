#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace evenkeel {

/// An option without a default: a program that leaves it out does not compile.
///
///     struct Options { Required<std::int64_t> in_features, out_features; bool bias = true; };
template <class T>
struct Required {
  Required() = delete;
  constexpr explicit(false) Required(T given) : value(std::move(given)) {}
  /// Shapes and lists of whole numbers, in braces.
  explicit(false) Required(std::initializer_list<std::int64_t> numbers) requires
      std::constructible_from<T, std::initializer_list<std::int64_t>> : value(numbers) {}
  constexpr explicit(false) operator const T&() const { return value; }

  T value;
};

}  // namespace evenkeel
