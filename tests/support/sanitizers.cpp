// What the sanitizers ask of the program they watch; without them nobody calls these.

/// An allocation that is too large shall fail as it does without a sanitizer: a test is about that.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:check_initialization_order=1:detect_stack_use_after_return=1";
}
/// The threads that clang's OpenMP runtime keeps for its next loop.
extern "C" const char* __lsan_default_suppressions() { return "leak:libomp.so"; }
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }
/// The OpenMP runtime is not instrumented; Archer tells ThreadSanitizer how it orders threads.
extern "C" const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }
