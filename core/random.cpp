#include <evenkeel/core/random.h>

#include <atomic>
#include <cmath>
#include <numbers>

namespace evenkeel {
namespace {

std::atomic_ref<std::uint64_t> shared(const std::uint64_t& value) {
  return std::atomic_ref(const_cast<std::uint64_t&>(value));
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> key) {
  const auto high = [](std::uint64_t product) { return static_cast<std::uint32_t>(product >> 32); };
  const auto low = [](std::uint64_t product) { return static_cast<std::uint32_t>(product); };
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
    c = {high(b) ^ c[1] ^ key[0], low(b), high(a) ^ c[3] ^ key[1], low(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return c;
}

std::uint64_t Rng::seed() const { return shared(seed_).load(std::memory_order::relaxed); }
std::uint64_t Rng::position() const { return shared(position_).load(std::memory_order::relaxed); }
void Rng::reset(std::uint64_t seed, std::uint64_t position) {
  shared(seed_).store(seed, std::memory_order::relaxed);
  shared(position_).store(position, std::memory_order::relaxed);
}
std::uint64_t Rng::take(std::int64_t n) {
  return shared(position_).fetch_add(static_cast<std::uint64_t>(n), std::memory_order::relaxed);
}

std::array<double, 2> Rng::pair(std::uint64_t position) const {
  const auto split = [](std::uint64_t word) {
    return std::array{static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
  };
  const auto at = split(position);
  const auto words = philox4x32({at[0], at[1], 0, 0}, split(seed()));
  const auto unit = [&](std::size_t i) {
    return static_cast<double>((std::uint64_t{words[i + 1]} << 32 | words[i]) >> 11) * 0x1p-53;
  };
  return {unit(0), unit(2)};
}

double Rng::uniform(std::uint64_t position) const { return pair(position)[0]; }

double Rng::normal(std::uint64_t position) const {
  const auto [radius, angle] = pair(position);
  return std::sqrt(-2 * std::log(1 - radius)) * std::cos(2 * std::numbers::pi * angle);
}

Rng& default_rng() {
  static Rng rng(0);
  return rng;
}
void manual_seed(std::uint64_t seed) { default_rng().reset(seed); }

}  // namespace evenkeel
