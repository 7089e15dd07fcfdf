#include <evenkeel/evenkeel.h>

#include <iostream>
#include <vector>

namespace ek = evenkeel;

double product_by_own_eigen(int size);

int main() {
  ek::set_log_level(ek::LogLevel::off);
  ek::manual_seed(0);
  std::cout << "Evenkeel " << ek::build_info().version << '\n';

  const ek::Tensor x = ek::Tensor::from({1.0, 2.0, 3.0, 4.0}, {2, 2}, {.requires_grad = true});
  ek::sum(x * x * x).backward();
  ek::check(x.grad().to_vector<double>() == std::vector<double>{3, 12, 27, 48}, "wrong gradient ", x.grad());

  const ek::Safetensors content{.tensors = {{"x", x.value()}}, .metadata = {}};
  ek::write_safetensors("x.safetensors", content);
  ek::check(ek::read_safetensors("x.safetensors").tensors[0].second.shape() == x.shape(), "wrong file");
  try {
    const ek::data::FashionMNIST none({.folder = "none"});
    return 1;
  } catch (const ek::FileError& error) {
    std::cout << "as expected: " << error.what() << '\n';
  }

  ek::check(product_by_own_eigen(64) == 6.0 * 64 * 64 * 64, "wrong product");
  std::cout << "consumer: all is well\n";
}
