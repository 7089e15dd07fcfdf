#pragma once
/// Internal: which instructions the kernels use.

/// The level of the x86-64 ABI that this machine and its system offer the kernels: 2, 3 (AVX2 and FMA) or 4
/// (AVX-512). Runs while the program is being loaded, so it calls nothing.
extern "C" int evenkeel_isa_level();

namespace evenkeel {

/// "AVX-512", "AVX2" or "baseline".
const char* isa_in_use();

}  // namespace evenkeel
