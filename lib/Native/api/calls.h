// What the entries of the operators take, on the CPU (api/) and on CUDA (cuda/); C# lays the structs out alike
// (lib/Torch/Calls). Views hold strides in elements, of the dimensions before the last, which is contiguous; what is
// absent has no data. On the CPU all floating operands have the call's type, but for the scan's; on CUDA weights,
// biases, regions and sums are float32 whatever the type.
#pragma once
#include <cstdint>

namespace patchkit::api {

struct View1 {  // (rows, channels)
  void* data;
  int64_t row;

  template <class Target>
  Target as() const {
    return {static_cast<decltype(Target::data)>(data), row};
  }
};

struct View2 {  // (batch, length, channels)
  void* data;
  int64_t batch, row;

  template <class Target>
  Target as() const {
    return {static_cast<decltype(Target::data)>(data), batch, row};
  }
};

struct View3 {  // (batch, length, heads or groups, features)
  void* data;
  int64_t batch, token, head;

  template <class Target>
  Target as() const {
    return {static_cast<decltype(Target::data)>(data), batch, token, head};
  }
};

struct CausalConvCall {
  int64_t batch, length, channels, width;
  int32_t silu, type, threads, unused;
  View2 x, initial, out;
  void *weight, *bias;  // (channels, width), (channels)
  View2 grad_out, grad_x, grad_initial;
  void *grad_weight, *grad_bias;
};

struct RmsNormCall {
  int64_t rows, channels, group_size;
  double eps;
  int32_t norm_before_gate, type, threads, unused;
  View1 x, z, out;
  void *weight, *reciprocal_rms;  // (channels); (rows, groups)
  View1 grad_out, grad_x, grad_z;
  void* grad_weight;
};

struct RoiAlignCall {
  int64_t maps, channels, height, width, rois, out_height, out_width, sampling_ratio;
  double scale;
  int32_t aligned, type, threads, unused;
  void* features;  // (maps, channels, height, width); in backward its gradient, on CUDA in float32
  void* regions;   // (rois, 5): finite, and the first column names a map
  void* out;       // (rois, channels, out_height, out_width); in backward its gradient
};

struct SsdScanCall {
  int64_t batch, length, heads, groups, head_dim, state_dim, chunk;
  int32_t D_per_feature, dt_softplus, type, threads;  // type: of x, B, C, z and their gradients
  View3 x, dt, B, C, z;
  void *A, *D, *dt_bias, *initial_state;
  View3 y;
  void *final_state, *chunk_states;
  View3 grad_y;
  void* grad_final_state;
  View3 grad_x, grad_z;
  void *grad_dt, *grad_A, *grad_B, *grad_C, *grad_D, *grad_initial_state;
};

}  // namespace patchkit::api
