#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/update.h>
#include <evenkeel/optim/sgd.h>

namespace evenkeel {
namespace {

SGD::Options options_for(const SGD::Group& group, const SGD::Options& all) {
  return {.lr = group.lr.value_or(all.lr),
          .momentum = group.momentum.value_or(all.momentum),
          .dampening = group.dampening.value_or(all.dampening),
          .weight_decay = group.weight_decay.value_or(all.weight_decay),
          .nesterov = group.nesterov.value_or(all.nesterov),
          .maximize = group.maximize.value_or(all.maximize)};
}

}  // namespace

SGD::SGD(const std::vector<Parameter>& parameters, const Options& options)
    : SGD(std::vector<Group>{{.parameters = parameters}}, options) {}

SGD::SGD(const std::vector<Group>& groups, const Options& options) : Optimizer("SGD") {
  for (const auto& group : groups) options_.push_back(options_for(group, options));
  for (std::size_t i = 0; i < groups.size(); ++i)
    add_group(groups[i].parameters, options_[i].lr, &options_[i].momentum);
  velocities_.resize(parameter_count());
  check_complete();
}

SGD::Options& SGD::options(std::size_t group) {
  check(group < options_.size(), "SGD: there is no group ", group, ", only ", options_.size());
  return options_[group];
}

std::vector<Optimizer::Option> SGD::options_of(std::size_t group) {
  Options& o = options_[group];
  return {{"lr", o.lr},
          {"momentum", o.momentum},
          {"dampening", o.dampening},
          {"weight_decay", o.weight_decay},
          {"nesterov", o.nesterov},
          {"maximize", o.maximize}};
}

std::vector<Optimizer::Buffer> SGD::buffers_of(std::size_t, std::size_t parameter) {
  return {{"momentum_buffer", &velocities_[parameter]}};
}

void SGD::check_ranges(std::size_t group) const {
  const Options& o = options_[group];
  check_not_negative("SGD", "lr", o.lr);
  check_not_negative("SGD", "momentum", o.momentum);
  check_not_negative("SGD", "weight_decay", o.weight_decay);
  check(!o.nesterov || (o.momentum > 0 && o.dampening == 0), "SGD: nesterov with momentum ", o.momentum,
        " and dampening ", o.dampening, ", expected a momentum and no dampening");
}

void SGD::update(std::size_t group, std::size_t parameter, Array& value, const Array& grad) {
  const Options& o = options_[group];
  Array& velocity = velocities_[parameter];
  const bool first = !velocity.defined();
  if (first && o.momentum != 0) velocity = Array(value.shape(), value.dtype());
  kernels::sgd_step(value, velocity, grad,
                    {.lr = o.lr,
                     .momentum = o.momentum,
                     .dampening = o.dampening,
                     .weight_decay = o.weight_decay,
                     .nesterov = o.nesterov,
                     .maximize = o.maximize,
                     .first = first});
}

}  // namespace evenkeel
