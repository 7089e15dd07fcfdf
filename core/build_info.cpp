#include <evenkeel/core/build_info.h>
#include <evenkeel/core/isa.h>
#include <evenkeel/core/parallel.h>

namespace evenkeel {
namespace {

#define EVENKEEL_TEXT_OF(x) #x
#define EVENKEEL_TEXT(x) EVENKEEL_TEXT_OF(x)
#if defined(__clang__)
constexpr const char* compiler = "Clang " EVENKEEL_TEXT(__clang_major__) "." EVENKEEL_TEXT(
    __clang_minor__) "." EVENKEEL_TEXT(__clang_patchlevel__);
#else
constexpr const char* compiler =
    "GCC " EVENKEEL_TEXT(__GNUC__) "." EVENKEEL_TEXT(__GNUC_MINOR__) "." EVENKEEL_TEXT(__GNUC_PATCHLEVEL__);
#endif

#ifdef NDEBUG
constexpr bool debug = false;
#else
constexpr bool debug = true;
#endif

}  // namespace

BuildInfo build_info() { return {EVENKEEL_VERSION, compiler, isa_in_use(), num_threads(), debug}; }

}  // namespace evenkeel
