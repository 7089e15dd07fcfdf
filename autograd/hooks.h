#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace evenkeel {

class Tensor;

struct AnyHookList {
  virtual ~AnyHookList() = default;
  virtual void erase(std::uint64_t id) = 0;
};

template <class Signature>
struct HookList final : AnyHookList {
  void erase(std::uint64_t id) override {
    std::erase_if(hooks, [=](const auto& hook) { return hook.first == id; });
  }

  std::vector<std::pair<std::uint64_t, std::function<Signature>>> hooks;
  std::uint64_t next = 0;
};

/// Removes a hook on request. Forgetting the handle keeps the hook; the hook's owner need not outlive the
/// handle.
class HookHandle {
 public:
  HookHandle() = default;
  /// Adds to `list` a hook that returns a replacement or nothing.
  template <class... Args, class F>
  HookHandle(std::shared_ptr<HookList<Tensor(Args...)>>& list, F hook);
  void remove() {
    if (const auto list = list_.lock()) list->erase(id_);
    list_.reset();
  }

 private:
  std::weak_ptr<AnyHookList> list_;
  std::uint64_t id_ = 0;
};

}  // namespace evenkeel
