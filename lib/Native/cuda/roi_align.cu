// RoIAlign. The forward has a thread for each output, which visits its bin's samples. The backward has a block for each
// plane of the gradient, whose threads add the regions to it one after the other, so that bits repeat: how much each
// cell counts in each bin, along each axis, is in a table that a kernel before it makes.
#include "launch.cuh"

namespace patchkit::cuda {
namespace {

// As kernels/roi_align.h has it.
struct RoiShape {
  int64_t maps, channels, height, width;
  int64_t rois, out_height, out_width;
  float scale;
  int64_t sampling_ratio;
  bool aligned;

  explicit RoiShape(const api::RoiAlignCall& call)
      : maps(call.maps), channels(call.channels), height(call.height), width(call.width), rois(call.rois),
        out_height(call.out_height), out_width(call.out_width), scale(static_cast<float>(call.scale)),
        sampling_ratio(call.sampling_ratio), aligned(call.aligned != 0) {}

  int64_t outputs() const { return rois * channels * out_height * out_width; }
  int64_t row_weights() const { return rois * out_height * height; }
  int64_t column_weights() const { return rois * out_width * width; }
};

// The samples of one bin along one axis, those that can lie in the map.
struct Samples {
  float start, step, share;
  int64_t begin, end;

  __device__ float at(int64_t i) const { return start + (static_cast<float>(i) + .5f) * step; }
};

__device__ inline float within(float value, float low, float high) {
  return value < low ? low : value > high ? high : value;
}

// Where a region begins and ends along an axis: `edge` is 1 for left and right, 2 for top and bottom.
__device__ inline float corner(const RoiShape& shape, const float* roi, int edge) {
  return roi[edge] * static_cast<float>(shape.scale) - (shape.aligned ? .5f : 0.0f);
}

__device__ inline Samples samples_of(const RoiShape& shape, const float* roi, int edge, int64_t bins, int64_t bin,
                                     int64_t cells) {
  const float from = corner(shape, roi, edge), to = corner(shape, roi, edge + 2);
  const float size = shape.aligned || to - from > 1 ? to - from : 1.0f;
  const float bin_size = size / static_cast<float>(bins);
  float count = shape.sampling_ratio > 0 ? static_cast<float>(shape.sampling_ratio) : ceilf(bin_size);
  Samples samples{from + static_cast<float>(bin) * bin_size, 0.0f, 0.0f, 0, 0};
  if (!(count >= 1)) return samples;
  samples.step = bin_size / count;
  samples.share = 1 / count;
  float first = 0, last = count;
  if (shape.sampling_ratio <= 0) {
    first = floorf((-1 - samples.start) / samples.step) - 2;
    last = ceilf((static_cast<float>(cells) - samples.start) / samples.step) + 2;
  }
  samples.begin = static_cast<int64_t>(within(first, 0.0f, count));
  samples.end = static_cast<int64_t>(within(last, 0.0f, count));
  return samples;
}

__device__ inline bool reaches(float at, int64_t cells) { return at >= -1 && at <= static_cast<float>(cells); }

// The two cells around a place and the weight of the second.
struct Between {
  int64_t low, high;
  float above;

  __device__ Between(float at, int64_t cells) {
    const float inside = within(at, 0.0f, static_cast<float>(cells - 1));
    low = static_cast<int64_t>(inside);
    high = low + 1 < cells ? low + 1 : low;
    above = inside - static_cast<float>(low);
  }
};

template <class E>
__global__ void forward_kernel(RoiShape shape, const E* features, const float* rois, E* out) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= shape.rois * shape.channels * shape.out_height * shape.out_width) return;
  const int64_t j = index % shape.out_width, i = index / shape.out_width % shape.out_height;
  const int64_t plane = index / shape.out_width / shape.out_height;
  const float* roi = rois + plane / shape.channels * 5;
  out[index] = narrow<E>(0);
  if (!(roi[0] >= 0 && roi[0] < static_cast<float>(shape.maps))) return;
  const E* map =
      features + (static_cast<int64_t>(roi[0]) * shape.channels + plane % shape.channels) * shape.height * shape.width;

  const Samples rows = samples_of(shape, roi, 2, shape.out_height, i, shape.height);
  const Samples columns = samples_of(shape, roi, 1, shape.out_width, j, shape.width);
  float sum = 0;
  for (int64_t s = rows.begin; s < rows.end; ++s) {
    if (!reaches(rows.at(s), shape.height)) continue;
    const Between y(rows.at(s), shape.height);
    const E *low = map + y.low * shape.width, *high = map + y.high * shape.width;
    for (int64_t t = columns.begin; t < columns.end; ++t) {
      if (!reaches(columns.at(t), shape.width)) continue;
      const Between x(columns.at(t), shape.width);
      sum += (1 - y.above) * ((1 - x.above) * widen(low[x.low]) + x.above * widen(low[x.high])) +
             y.above * ((1 - x.above) * widen(high[x.low]) + x.above * widen(high[x.high]));
    }
  }
  out[index] = narrow<E>(sum * rows.share * columns.share);
}

// (rois, bins, cells): how much a cell counts in a bin along one axis
__global__ void weights_kernel(RoiShape shape, const float* rois, int edge, int64_t bins, int64_t cells,
                               float* weights) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= shape.rois * bins * cells) return;
  const int64_t cell = index % cells, bin = index / cells % bins;
  const Samples samples = samples_of(shape, rois + index / cells / bins * 5, edge, bins, bin, cells);
  float weight = 0;
  for (int64_t s = samples.begin; s < samples.end; ++s) {
    if (!reaches(samples.at(s), cells)) continue;
    const Between at(samples.at(s), cells);
    if (at.low == cell) weight += 1 - at.above;
    if (at.high == cell && at.high != at.low) weight += at.above;
  }
  weights[index] = weight * samples.share;
}

// The cells along one axis that a region can touch.
struct Span {
  int64_t begin, end;
};

__device__ inline Span span_of(const RoiShape& shape, const float* roi, int edge, int64_t cells) {
  const float a = corner(shape, roi, edge), b = corner(shape, roi, edge + 2);
  const float from = a < b ? a : b, to = (a < b ? b : a) + (shape.aligned ? 0 : 1),
              last = static_cast<float>(cells - 1);
  return {static_cast<int64_t>(within(floorf(from), 0.0f, last)),
          static_cast<int64_t>(within(ceilf(to), 0.0f, last)) + 1};
}

template <class E>
__global__ void backward_kernel(RoiShape shape, const E* grad_out, const float* rois, const float* row_weights,
                                const float* column_weights, float* grad_features) {
  const int64_t map = blockIdx.x / shape.channels, channel = blockIdx.x % shape.channels;
  float* grad_map = grad_features + static_cast<int64_t>(blockIdx.x) * shape.height * shape.width;
  for (int64_t cell = threadIdx.x; cell < shape.height * shape.width; cell += blockDim.x) grad_map[cell] = 0;
  __syncthreads();
  for (int64_t k = 0; k < shape.rois; ++k) {
    const float* roi = rois + k * 5;
    if (static_cast<int64_t>(roi[0]) != map) continue;
    const E* grad = grad_out + (k * shape.channels + channel) * shape.out_height * shape.out_width;
    const float* rows = row_weights + k * shape.out_height * shape.height;
    const float* columns = column_weights + k * shape.out_width * shape.width;
    const Span ys = span_of(shape, roi, 2, shape.height), xs = span_of(shape, roi, 1, shape.width);
    const int64_t width = xs.end - xs.begin, cells = (ys.end - ys.begin) * width;
    for (int64_t cell = threadIdx.x; cell < cells; cell += blockDim.x) {
      const int64_t y = ys.begin + cell / width, x = xs.begin + cell % width;
      float sum = 0;
      for (int64_t i = 0; i < shape.out_height; ++i) {
        const float row = rows[i * shape.height + y];
        if (row == 0) continue;
        float row_sum = 0;
        for (int64_t j = 0; j < shape.out_width; ++j)
          row_sum += columns[j * shape.width + x] * widen(grad[i * shape.out_width + j]);
        sum += row * row_sum;
      }
      grad_map[y * shape.width + x] += sum;
    }
    __syncthreads();  // the next region gives the cells to other threads
  }
}

template <class E>
int32_t forward(const api::RoiAlignCall& call, const Place& place) {
  const RoiShape shape(call);
  Launcher launch(place);
  launch("roi_align", forward_kernel<E>, blocks_for(shape.outputs(), largest_block), largest_block, 0, shape,
         static_cast<const E*>(call.features), static_cast<const float*>(call.regions), static_cast<E*>(call.out));
  return launch.result();
}

template <class E>
int32_t backward(const api::RoiAlignCall& call, const Place& place) {
  const RoiShape shape(call);
  Launcher launch(place);
  const auto* regions = static_cast<const float*>(call.regions);
  auto *rows = static_cast<float*>(place.workspace), *columns = rows + shape.row_weights();
  launch("roi_align backward: weights of rows", weights_kernel, blocks_for(shape.row_weights(), largest_block),
         largest_block, 0, shape, regions, 2, shape.out_height, shape.height, rows);
  launch("roi_align backward: weights of columns", weights_kernel, blocks_for(shape.column_weights(), largest_block),
         largest_block, 0, shape, regions, 1, shape.out_width, shape.width, columns);
  launch("roi_align backward", backward_kernel<E>, shape.maps * shape.channels, largest_block, 0, shape,
         static_cast<const E*>(call.out), regions, rows, columns, static_cast<float*>(call.features));
  return launch.result();
}

}  // namespace
}  // namespace patchkit::cuda

using namespace patchkit::cuda;
using patchkit::api::RoiAlignCall;

PK_API int64_t pk_cuda_roi_align_backward_workspace(const RoiAlignCall* call) {
  const RoiShape shape(*call);
  return (shape.row_weights() + shape.column_weights()) * static_cast<int64_t>(sizeof(float));
}

PK_API int32_t pk_cuda_roi_align_forward(const RoiAlignCall* call, const Place* place) {
  return of_type(call->type, [&](auto element) { return forward<decltype(element)>(*call, *place); });
}

// The gradient of the features is float32, whatever their type: regions add to it one after the other.
PK_API int32_t pk_cuda_roi_align_backward(const RoiAlignCall* call, const Place* place) {
  return of_type(call->type, [&](auto element) { return backward<decltype(element)>(*call, *place); });
}
