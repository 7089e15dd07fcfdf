#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/update.h>
#include <evenkeel/optim/adam.h>

#include <cmath>

namespace evenkeel {
namespace {

template <WeightDecay decay>
constexpr std::string_view name_of = decay == WeightDecay::decoupled ? "AdamW" : "Adam";

template <class Options, class Group>
Options options_for(const Group& group, const Options& all) {
  return {.lr = group.lr.value_or(all.lr),
          .betas = group.betas.value_or(all.betas),
          .eps = group.eps.value_or(all.eps),
          .weight_decay = group.weight_decay.value_or(all.weight_decay),
          .amsgrad = group.amsgrad.value_or(all.amsgrad),
          .maximize = group.maximize.value_or(all.maximize)};
}

/// Counts one more.
double count(Array& step) {
  if (!step.defined()) step = Array({}, DType::int64);
  return static_cast<double>(++step.mutable_data<std::int64_t>()[0]);
}

}  // namespace

template <WeightDecay decay>
AdamFamily<decay>::AdamFamily(const std::vector<Parameter>& parameters, const Options& options)
    : AdamFamily(std::vector<Group>{{.parameters = parameters}}, options) {}

template <WeightDecay decay>
AdamFamily<decay>::AdamFamily(const std::vector<Group>& groups, const Options& options)
    : Optimizer(name_of<decay>) {
  for (const auto& group : groups) options_.push_back(options_for(group, options));
  for (std::size_t i = 0; i < groups.size(); ++i)
    add_group(groups[i].parameters, options_[i].lr, &options_[i].betas[0]);
  moments_.resize(parameter_count());
  check_complete();
}

template <WeightDecay decay>
typename AdamFamily<decay>::Options& AdamFamily<decay>::options(std::size_t group) {
  check(group < options_.size(), name(), ": there is no group ", group, ", only ", options_.size());
  return options_[group];
}

template <WeightDecay decay>
std::vector<Optimizer::Option> AdamFamily<decay>::options_of(std::size_t group) {
  Options& o = options_[group];
  return {{"lr", o.lr},           {"betas", o.betas},      {"eps", o.eps}, {"weight_decay", o.weight_decay},
          {"amsgrad", o.amsgrad}, {"maximize", o.maximize}};
}

template <WeightDecay decay>
std::vector<Optimizer::Buffer> AdamFamily<decay>::buffers_of(std::size_t group, std::size_t parameter) {
  Moments& m = moments_[parameter];
  std::vector<Buffer> buffers{
      {"step", &m.step, true}, {"exp_avg", &m.exp_avg}, {"exp_avg_sq", &m.exp_avg_sq}};
  if (options_[group].amsgrad) buffers.push_back({"max_exp_avg_sq", &m.max_exp_avg_sq});
  return buffers;
}

template <WeightDecay decay>
void AdamFamily<decay>::check_ranges(std::size_t group) const {
  const Options& o = options_[group];
  check_not_negative(name(), "lr", o.lr);
  check_not_negative(name(), "eps", o.eps);
  check_not_negative(name(), "weight_decay", o.weight_decay);
  for (std::size_t i = 0; i < 2; ++i)
    check(o.betas[i] >= 0 && o.betas[i] < 1, name(), ": betas[", i, "] is ", o.betas[i],
          ", expected at least 0 and below 1");
}

template <WeightDecay decay>
void AdamFamily<decay>::update(std::size_t group, std::size_t parameter, Array& value, const Array& grad) {
  const Options& o = options_[group];
  Moments& m = moments_[parameter];
  const auto start = [&](Array& array) {
    if (!array.defined()) array = Array(value.shape(), value.dtype());
  };
  start(m.exp_avg);
  start(m.exp_avg_sq);
  if (o.amsgrad) start(m.max_exp_avg_sq);
  const double t = count(m.step);
  const bool decoupled = decay == WeightDecay::decoupled;
  kernels::adam_step(value, m.exp_avg, m.exp_avg_sq, o.amsgrad ? &m.max_exp_avg_sq : nullptr, grad,
                     {.step_size = o.lr / (1 - std::pow(o.betas[0], t)),
                      .beta1 = o.betas[0],
                      .beta2 = o.betas[1],
                      .root_correction = std::sqrt(1 - std::pow(o.betas[1], t)),
                      .eps = o.eps,
                      .gradient_decay = decoupled ? 0 : o.weight_decay,
                      .value_factor = decoupled ? 1 - o.lr * o.weight_decay : 1,
                      .maximize = o.maximize});
}

template class AdamFamily<WeightDecay::in_gradient>;
template class AdamFamily<WeightDecay::decoupled>;

}  // namespace evenkeel
