#include <evenkeel/core/isa.h>

#ifdef EVENKEEL_DISPATCH  // the kernels were compiled for every level; see cmake/dispatch.cmake

extern "C" int evenkeel_isa_level() {
  __builtin_cpu_init();
  const auto has_avx2 = [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); };
  const auto has_avx512 = [] {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  };
  if (!has_avx2() || !__builtin_cpu_supports("bmi2")) return 2;
  return has_avx512() ? 4 : 3;
}

const char* evenkeel::isa_in_use() {
  const int level = evenkeel_isa_level();
  return level == 4 ? "AVX-512" : level == 3 ? "AVX2" : "baseline";
}

#else

const char* evenkeel::isa_in_use() {
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
  return "AVX-512";
#elif defined(__AVX2__) && defined(__FMA__)
  return "AVX2";
#else
  return "baseline";
#endif
}

#endif
