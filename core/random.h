#pragma once

#include <array>
#include <cstdint>

namespace evenkeel {

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a pure function of
/// counter and key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// A stream of random numbers whose whole state is {seed, position}. Element i of what is drawn uses position
/// first + i, so results depend on no thread. `take` is safe to call from several threads.
class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::uint64_t position = 0) : seed_(seed), position_(position) {}

  std::uint64_t seed() const;
  std::uint64_t position() const;
  /// Starts another stream; safe beside `take`.
  void reset(std::uint64_t seed, std::uint64_t position = 0);
  /// Reserves n positions and returns the first.
  std::uint64_t take(std::int64_t n);
  /// Uniform in [0, 1), with 53 random bits.
  double uniform(std::uint64_t position) const;
  /// Standard normal (Box and Muller 1958).
  double normal(std::uint64_t position) const;

 private:
  std::array<double, 2> pair(std::uint64_t position) const;

  alignas(8) std::uint64_t seed_;
  alignas(8) std::uint64_t position_;
};

/// The generator behind initial weights, randn and rand; one for the whole process, seeded with 0 at its
/// start.
Rng& default_rng();
/// Restarts default_rng().
void manual_seed(std::uint64_t seed);

}  // namespace evenkeel
