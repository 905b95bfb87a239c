// patchkit::adamw_, for libtorchs whose own _fused_adamw_ does not run on the CPU.
#include "../kernels/adamw.h"

#include "support.h"

namespace patchkit::ops {
namespace {

void check(const Tensor& parameter, const Tensor& other, const char* name) {
  TORCH_CHECK(other.sizes() == parameter.sizes() && other.scalar_type() == parameter.scalar_type() && other.is_cpu(), "patchkit::adamw_: ",
              name, " is ", other.scalar_type(), " of shape ", other.sizes(), " on ", other.device(), ", but the parameter is ",
              parameter.scalar_type(), " of shape ", parameter.sizes(), " on the CPU; give tensors alike.");
}

void adamw(Tensor& parameter, const Tensor& gradient, Tensor& mean, Tensor& square, double keep, double beta1, double beta2, double eps,
           double step_size) {
  check(parameter, gradient, "the gradient");
  check(parameter, mean, "exp_avg");
  check(parameter, square, "exp_avg_sq");
  TORCH_CHECK(parameter.is_contiguous() && mean.is_contiguous() && square.is_contiguous(),
              "patchkit::adamw_: the parameter and its state must be contiguous; call contiguous() when they are made.");
  const Tensor ordered = gradient.contiguous();
  AT_DISPATCH_FLOATING_TYPES(parameter.scalar_type(), "adamw_", [&] {
    auto of = [](double value) { return static_cast<scalar_t>(value); };
    kernels::adamw<scalar_t>(parameter.data_ptr<scalar_t>(), ordered.data_ptr<scalar_t>(), mean.data_ptr<scalar_t>(),
                             square.data_ptr<scalar_t>(), parameter.numel(), {of(keep), of(beta1), of(beta2), of(eps), of(step_size)});
  });
  parameter.unsafeGetTensorImpl()->bump_version();
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(patchkit, m) {
  m.def("adamw_(Tensor(a!) parameter, Tensor gradient, Tensor(b!) exp_avg, Tensor(c!) exp_avg_sq, float keep, float beta1, float beta2, "
        "float eps, float step_size) -> ()");
}

TORCH_LIBRARY_IMPL(patchkit, CPU, m) { m.impl("adamw_", adamw); }

}  // namespace patchkit::ops
