#pragma once

#include <evenkeel/core/shape.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>

namespace evenkeel {

/// An option without a default: a program that leaves it out does not compile.
///
///     struct Options { Required<std::int64_t> in_features, out_features; bool bias = true; };
template <class T>
struct Required {
  Required() = delete;
  constexpr explicit(false) Required(T given) : value(given) {}
  explicit(false)
      Required(std::initializer_list<std::int64_t> dims) requires std::same_as<T, Shape> : value(dims) {}
  constexpr explicit(false) operator T() const { return value; }

  T value;
};

}  // namespace evenkeel
