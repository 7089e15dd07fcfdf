#pragma once
/// Vectors of the machine's width, for kernels. The compilers' vector extensions do the arithmetic on any
/// machine; conversions, bounds and masks are spelled out where GCC would split them.

#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace evenkeel::kernels::simd {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using type __attribute__((vector_size(vector_bytes))) = float;
};
template <>
struct VectorOf<double> {
  using type __attribute__((vector_size(vector_bytes))) = double;
};
template <class T>
using Vector = typename VectorOf<T>::type;
using Doubles = Vector<double>;
using Bits __attribute__((vector_size(vector_bytes))) = std::int64_t;

/// Elements of a vector.
template <class T>
inline constexpr std::int64_t lanes = vector_bytes / static_cast<int>(sizeof(T));

template <class T>
[[gnu::always_inline]] inline Vector<T> load(const T* from) {
  Vector<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <class T>
[[gnu::always_inline]] inline void store(T* to, Vector<T> v) {
  std::memcpy(to, &v, sizeof v);
}
/// Whether the first lanes of a vector are loaded and stored by one instruction.
inline constexpr bool has_masks = vector_bytes == 64;
/// The first n lanes; the others are 0 and stay in memory as they are.
template <class T>
[[gnu::always_inline]] inline Vector<T> load_some(const T* from, std::int64_t n) {
#if defined(__AVX512F__)
  const auto first = (1U << n) - 1;
  if constexpr (sizeof(T) == 4)
    return reinterpret_cast<Vector<T>>(_mm512_maskz_loadu_ps(static_cast<__mmask16>(first), from));
  else
    return reinterpret_cast<Vector<T>>(_mm512_maskz_loadu_pd(static_cast<__mmask8>(first), from));
#else
  T some[lanes<T>]{};
  for (std::int64_t i = 0; i < n; ++i) some[i] = from[i];
  return load(some);
#endif
}
template <class T>
[[gnu::always_inline]] inline void store_some(T* to, Vector<T> v, std::int64_t n) {
#if defined(__AVX512F__)
  const auto first = (1U << n) - 1;
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>(first), reinterpret_cast<__m512>(v));
  else
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>(first), reinterpret_cast<__m512d>(v));
#else
  for (std::int64_t i = 0; i < n; ++i) to[i] = v[i];
#endif
}

/// For what is used several times: GCC would make the load an operand of each use.
template <class T>
[[gnu::always_inline]] inline Vector<T> load_once(const T* from) {
  Vector<T> v = load(from);
#if defined(__SSE2__)
  asm("" : "+v"(v));
#endif
  return v;
}

/// The same address or distance, of which the compiler cannot tell where it comes from: it adds to it anew
/// instead of keeping all sums that a loop may need, for which there are too few registers.
template <class T>
[[gnu::always_inline]] inline T opaque(T value) {
  asm("" : "+r"(value));
  return value;
}

/// Past the caches, to a multiple of the vector's size. Other threads see it after the parallel_for in which
/// it was done, this one at once.
template <class T>
[[gnu::always_inline]] inline void stream(T* to, Vector<T> v) {
#if defined(__AVX512F__)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), reinterpret_cast<__m512i>(v));
#elif defined(__AVX__)
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(v));
#elif defined(__SSE2__)
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), reinterpret_cast<__m128i>(v));
#else
  store(to, v);
#endif
}
template <class T>
[[gnu::always_inline]] inline Vector<T> broadcast(T value) {
  return value - Vector<T>{};  // keeps the sign of a zero
}

/// lanes<double> neighbours in double.
[[gnu::always_inline]] inline Doubles load_doubles(const double* from) { return load(from); }
[[gnu::always_inline]] inline Doubles load_doubles(const float* from) {
#if defined(__AVX512F__)  // masked: GCC 12 warns about what the plain one leaves undefined
  return reinterpret_cast<Doubles>(_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(from)));
#elif defined(__AVX__)
  return reinterpret_cast<Doubles>(_mm256_cvtps_pd(_mm_loadu_ps(from)));
#else
  return Doubles{from[0], from[1]};
#endif
}

/// lanes<double> neighbours, rounded to their type.
[[gnu::always_inline]] inline void store_doubles(double* to, Doubles v) { store(to, v); }
[[gnu::always_inline]] inline void store_doubles(float* to, Doubles v) {
#if defined(__AVX512F__)
  _mm256_storeu_ps(to, _mm512_maskz_cvtpd_ps(0xff, reinterpret_cast<__m512d>(v)));
#elif defined(__AVX__)
  _mm_storeu_ps(to, _mm256_cvtpd_ps(reinterpret_cast<__m256d>(v)));
#else
  for (std::int64_t i = 0; i < lanes<double>; ++i) to[i] = static_cast<float>(v[i]);
#endif
}

/// a * b + c, rounded once where the machine can: alike for vectors and single values, at every optimization
/// level.
[[gnu::always_inline]] inline Vector<float> multiply_add(Vector<float> a, Vector<float> b, Vector<float> c) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vector<float>>(_mm512_fmadd_ps(a, b, c));
#elif defined(__FMA__)
  return reinterpret_cast<Vector<float>>(_mm256_fmadd_ps(a, b, c));
#else
  return a * b + c;
#endif
}
[[gnu::always_inline]] inline Doubles multiply_add(Doubles a, Doubles b, Doubles c) {
#if defined(__AVX512F__)
  return reinterpret_cast<Doubles>(_mm512_fmadd_pd(a, b, c));
#elif defined(__FMA__)
  return reinterpret_cast<Doubles>(_mm256_fmadd_pd(a, b, c));
#else
  return a * b + c;
#endif
}
template <std::floating_point T>
[[gnu::always_inline]] inline T multiply_add(T a, T b, T c) {
#if defined(__FMA__)
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// v, or the limit it exceeds; NaN stays. One instruction a side, where GCC makes two of the expressions.
[[gnu::always_inline]] inline Doubles clamp(Doubles v, double lowest, double highest) {
  const Doubles low = broadcast(lowest), high = broadcast(highest);
#if defined(__AVX512F__)
  const auto above = _mm512_maskz_max_pd(0xff, reinterpret_cast<__m512d>(low), reinterpret_cast<__m512d>(v));
  return reinterpret_cast<Doubles>(_mm512_maskz_min_pd(0xff, reinterpret_cast<__m512d>(high), above));
#elif defined(__AVX__)
  const auto above = _mm256_max_pd(reinterpret_cast<__m256d>(low), reinterpret_cast<__m256d>(v));
  return reinterpret_cast<Doubles>(_mm256_min_pd(reinterpret_cast<__m256d>(high), above));
#else
  v = v < low ? low : v;
  return v > high ? high : v;
#endif
}

/// All bits of the first `count` lanes, none of the others.
template <class T>
[[gnu::always_inline]] inline Bits mask_of_first(std::int64_t count) {
  static constexpr auto masks = [] {
    struct {
      unsigned char bytes[2 * vector_bytes];
    } table{};
    for (auto& byte : std::span(table.bytes).first(vector_bytes)) byte = 0xff;
    return table;
  }();
  Bits mask;
  std::memcpy(&mask, masks.bytes + (lanes<T> - count) * static_cast<std::int64_t>(sizeof(T)), sizeof mask);
  return mask;
}
/// The first `count` lanes; the others become 0, whatever they held.
template <class T>
[[gnu::always_inline]] inline Vector<T> first_lanes(std::int64_t count, Vector<T> v) {
  return reinterpret_cast<Vector<T>>(reinterpret_cast<Bits>(v) & mask_of_first<T>(count));
}
/// All lanes but the first `skipped`, likewise.
template <class T>
[[gnu::always_inline]] inline Vector<T> without_first(std::int64_t skipped, Vector<T> v) {
  return reinterpret_cast<Vector<T>>(reinterpret_cast<Bits>(v) & ~mask_of_first<T>(skipped));
}

/// Whole numbers as wide as T, which is what comparisons of vectors give.
template <class T>
using Numbers = decltype(Vector<T>{} > Vector<T>{});
template <class T>
using NumberOf = std::remove_cvref_t<decltype(Numbers<T>{}[0])>;

/// As many bytes as Vector<T> has lanes. GCC 12 would widen one after the other.
template <class T>
[[gnu::always_inline]] inline Numbers<T> load_bytes(const std::uint8_t* from) {
#if defined(__AVX2__)
  const auto* const bytes = reinterpret_cast<const __m128i*>(from);
#endif
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return reinterpret_cast<Numbers<T>>(_mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128(bytes)));
  else
    return reinterpret_cast<Numbers<T>>(_mm512_maskz_cvtepu8_epi64(0xff, _mm_loadl_epi64(bytes)));
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return reinterpret_cast<Numbers<T>>(_mm256_cvtepu8_epi32(_mm_loadl_epi64(bytes)));
  else
    return reinterpret_cast<Numbers<T>>(_mm256_cvtepu8_epi64(_mm_loadu_si32(bytes)));
#else
  Numbers<T> numbers{};
  for (std::int64_t i = 0; i < lanes<T>; ++i) numbers[i] = from[i];
  return numbers;
#endif
}

/// The lowest byte of each lane. GCC 12 would convert one lane after the other.
template <class Lanes>
[[gnu::always_inline]] inline void store_bytes(Lanes lanes, std::uint8_t* to) {
  using Bytes __attribute__((vector_size(vector_bytes))) = std::uint8_t;
  constexpr int size = sizeof(lanes[0]), count = vector_bytes / size;
  const auto bytes = reinterpret_cast<Bytes>(lanes);
  const auto lowest = [&]<int... i>(std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(bytes, bytes, (i < count ? i * size : 0)...);
  }
  (std::make_integer_sequence<int, vector_bytes>());
  std::memcpy(to, &lowest, count);
}

/// a[0], b[0], a[1], b[1], ...
template <class T, int... lane>
[[gnu::always_inline]] inline std::array<Vector<T>, 2> interleaved(Vector<T> a, Vector<T> b,
                                                                   std::integer_sequence<int, lane...>) {
  constexpr int n = sizeof...(lane);
  return {__builtin_shufflevector(a, b, (lane / 2 + lane % 2 * n)...),
          __builtin_shufflevector(a, b, (n / 2 + lane / 2 + lane % 2 * n)...)};
}
template <class T>
[[gnu::always_inline]] inline std::array<Vector<T>, 2> interleaved(Vector<T> a, Vector<T> b) {
  return interleaved<T>(a, b, std::make_integer_sequence<int, lanes<T>>());
}

/// All lanes one further up, above a 0; or down, below one.
template <class T, std::size_t... lane>
[[gnu::always_inline]] inline Vector<T> moved_up(Vector<T> v, std::index_sequence<lane...>) {
  return __builtin_shufflevector(Vector<T>{}, v, (lane + sizeof...(lane) - 1)...);
}
template <class T>
[[gnu::always_inline]] inline Vector<T> moved_up(Vector<T> v) {
  return moved_up<T>(v, std::make_index_sequence<lanes<T>>());
}
template <class T, std::size_t... lane>
[[gnu::always_inline]] inline Vector<T> moved_down(Vector<T> v, std::index_sequence<lane...>) {
  return __builtin_shufflevector(v, Vector<T>{}, (lane + 1)...);
}
template <class T>
[[gnu::always_inline]] inline Vector<T> moved_down(Vector<T> v) {
  return moved_down<T>(v, std::make_index_sequence<lanes<T>>());
}

/// The sum of the lanes, halves onto halves.
template <std::size_t... half, class V>
[[gnu::always_inline]] inline auto sum_of_lanes(V v, std::index_sequence<half...>) {
  constexpr auto n = sizeof...(half);
  if constexpr (n == 1)
    return v[0] + v[1];
  else
    return sum_of_lanes(__builtin_shufflevector(v, v, half...) + __builtin_shufflevector(v, v, (half + n)...),
                        std::make_index_sequence<n / 2>());
}
template <class V>
[[gnu::always_inline]] inline auto sum_of_lanes(V v) {
  return sum_of_lanes(v, std::make_index_sequence<sizeof(V) / sizeof(v[0]) / 2>());
}

}  // namespace evenkeel::kernels::simd
