// patchkit::roi_align: regions of feature maps resampled to a grid of bins, as torchvision's and mmcv's operators do.
//
// A device takes part by registering _roi_align_forward and _roi_align_backward for its key.

#include "../kernels/roi_align.h"

#include "support.h"

namespace patchkit::ops {
namespace {

using kernels::RoiShape;

Tensor call_forward(const Tensor& features, const Tensor& rois, int64_t height, int64_t width, double scale,
                    int64_t sampling_ratio, bool aligned) {
  static const auto op =
      find_operator<Tensor(const Tensor&, const Tensor&, int64_t, int64_t, double, int64_t, bool)>(
          "patchkit::_roi_align_forward");
  check_has_kernel(op, features, "roi_align");
  return op.call(features, rois, height, width, scale, sampling_ratio, aligned);
}

Tensor call_backward(const Tensor& grad_out, const Tensor& rois, at::IntArrayRef sizes, double scale,
                     int64_t sampling_ratio, bool aligned) {
  static const auto op = find_operator<Tensor(const Tensor&, const Tensor&, at::IntArrayRef, double, int64_t, bool)>(
      "patchkit::_roi_align_backward");
  return op.call(grad_out, rois, sizes, scale, sampling_ratio, aligned);
}

struct RoiAlignFunction : torch::autograd::Function<RoiAlignFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& features, const Tensor& rois, int64_t height,
                        int64_t width, double scale, int64_t sampling_ratio, bool aligned) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    context->save_for_backward({rois});
    context->saved_data["sizes"] = features.sizes().vec();
    context->saved_data["scale"] = scale;
    context->saved_data["sampling_ratio"] = sampling_ratio;
    context->saved_data["aligned"] = aligned;
    return call_forward(features, rois, height, width, scale, sampling_ratio, aligned);
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    check_first_derivative("roi_align");
    const auto sizes = context->saved_data["sizes"].toIntVector();
    const Tensor grad = call_backward(grads[0], context->get_saved_variables()[0], sizes,
                                      context->saved_data["scale"].toDouble(),
                                      context->saved_data["sampling_ratio"].toInt(),
                                      context->saved_data["aligned"].toBool());
    return {grad, Tensor(), Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

void check_operands(const Tensor& features, const Tensor& rois, int64_t height, int64_t width, double scale) {
  TORCH_CHECK(features.dim() == 4, "patchkit::roi_align: features have ", features.dim(), " dimensions, ",
              features.sizes(), ", but (maps, channels, height, width) are 4; unsqueeze what is missing.");
  TORCH_CHECK(features.is_floating_point(), "patchkit::roi_align: features are ", features.scalar_type(),
              ", but sampling needs a floating type; convert them to Float, Double or BFloat16.");
  TORCH_CHECK(features.size(2) >= 1 && features.size(3) >= 1, "patchkit::roi_align: features ", features.sizes(),
              " have no cells; give maps of at least 1 x 1.");
  TORCH_CHECK(rois.dim() == 2 && rois.size(1) == 5, "patchkit::roi_align: rois are ", rois.sizes(),
              ", but each has 5 numbers, the map's index, left, top, right and bottom; give a tensor (rois, 5).");
  TORCH_CHECK(rois.device() == features.device(), "patchkit::roi_align: features are on ", features.device(),
              " and rois on ", rois.device(), "; move them to one device.");
  TORCH_CHECK(height >= 1 && width >= 1, "patchkit::roi_align: a grid of ", height, " x ", width,
              " has no bins; give at least 1 x 1, such as 7 x 7.");
  TORCH_CHECK(scale > 0, "patchkit::roi_align: a scale of ", scale,
              " gives the map no cells; use 1 / stride, such as 0.25 for stride 4.");
}

// Regions far from 0 need more than bfloat16's 8 bits: they are read as Float at least.
Tensor roi_align(const Tensor& features, const Tensor& rois, int64_t height, int64_t width, double scale,
                 int64_t sampling_ratio, bool aligned) {
  check_operands(features, rois, height, width, scale);
  const at::ScalarType arithmetic = features.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const Tensor regions = rois.detach().to(arithmetic);
  return RoiAlignFunction::apply(features.to(arithmetic), regions, height, width, scale, sampling_ratio, aligned)
      .to(features.scalar_type());
}

RoiShape shape_of(at::IntArrayRef sizes, const Tensor& rois, int64_t height, int64_t width, double scale,
                  int64_t sampling_ratio, bool aligned) {
  return {sizes[0], sizes[1], sizes[2], sizes[3], rois.size(0), height,
          width,    scale,    sampling_ratio,     aligned,      at::get_num_threads()};
}

void check_values(const Tensor& rois, int64_t maps) {
  if (rois.size(0) == 0) return;
  TORCH_CHECK(at::isfinite(rois).all().item<bool>(), "patchkit::roi_align: a region has a corner that is not finite; ",
              "look for NaN in the deltas that made it.");
  const Tensor index = rois.select(1, 0);
  const double lowest = index.min().item<double>(), highest = index.max().item<double>();
  TORCH_CHECK(lowest >= 0 && highest < static_cast<double>(maps), "patchkit::roi_align: regions name the maps ", lowest,
              " to ", highest, ", but there are ", maps, "; the first column counts maps from 0.");
}

Tensor forward_cpu(const Tensor& features_any, const Tensor& rois_any, int64_t height, int64_t width, double scale,
                   int64_t sampling_ratio, bool aligned) {
  const Tensor features = features_any.contiguous(), rois = rois_any.contiguous();
  check_values(rois, features.size(0));
  const Tensor out = at::empty({rois.size(0), features.size(1), height, width}, features.options());
  AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "roi_align", [&] {
    check_finished(kernels::roi_align_forward<scalar_t>(
                       shape_of(features.sizes(), rois, height, width, scale, sampling_ratio, aligned),
                       features.data_ptr<scalar_t>(), rois.data_ptr<scalar_t>(), out.data_ptr<scalar_t>()),
                   "roi_align");
  });
  return out;
}

Tensor backward_cpu(const Tensor& grad_out_any, const Tensor& rois_any, at::IntArrayRef sizes, double scale,
                    int64_t sampling_ratio, bool aligned) {
  const Tensor grad_out = grad_out_any.contiguous(), rois = rois_any.contiguous();
  const Tensor grad = at::empty(sizes, grad_out.options());
  AT_DISPATCH_FLOATING_TYPES(grad.scalar_type(), "roi_align_backward", [&] {
    check_finished(
        kernels::roi_align_backward<scalar_t>(
            shape_of(sizes, rois, grad_out.size(2), grad_out.size(3), scale, sampling_ratio, aligned),
            grad_out.data_ptr<scalar_t>(), rois.data_ptr<scalar_t>(), grad.data_ptr<scalar_t>()),
        "roi_align");
  });
  return grad;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(patchkit, m) {
  m.def(
      "roi_align(Tensor features, Tensor rois, int height, int width, float scale, int sampling_ratio=0, "
      "bool aligned=True) -> Tensor");
  m.def(
      "_roi_align_forward(Tensor features, Tensor rois, int height, int width, float scale, int sampling_ratio, "
      "bool aligned) -> Tensor");
  m.def(
      "_roi_align_backward(Tensor grad_out, Tensor rois, int[] sizes, float scale, int sampling_ratio, bool aligned) "
      "-> Tensor");
}

TORCH_LIBRARY_IMPL(patchkit, CompositeImplicitAutograd, m) { m.impl("roi_align", TORCH_FN(roi_align)); }

TORCH_LIBRARY_IMPL(patchkit, CPU, m) {
  m.impl("_roi_align_forward", TORCH_FN(forward_cpu));
  m.impl("_roi_align_backward", TORCH_FN(backward_cpu));
}

}  // namespace patchkit::ops
