// A host program may bring an Eigen and machine flags of its own: what it computes and aligns stays its own.
#include <Eigen/Dense>

double product_by_own_eigen(int size) {
  const Eigen::MatrixXf a = Eigen::MatrixXf::Constant(size, size, 2.0f);
  const Eigen::MatrixXf b = Eigen::MatrixXf::Constant(size, size, 3.0f);
  return (a * b).sum();
}
