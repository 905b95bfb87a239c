// RoIAlign. The forward has a thread for each output, which visits its bin's samples. The backward has a block for each
// plane of the gradient, whose threads add the regions to it one after the other, so that bits repeat: how much each cell
// counts in each bin, along each axis, is in a table that a kernel before it makes.
#include "roi_align.h"

#include "device.cuh"

namespace patchkit::cuda {
namespace {

// The samples of one bin along one axis, those that can lie in the map.
template <class T>
struct Samples {
  T start, step, share;
  int64_t begin, end;

  __device__ T at(int64_t i) const { return start + (static_cast<T>(i) + T(.5)) * step; }
};

template <class T>
__device__ T within(T value, T low, T high) {
  return value < low ? low : value > high ? high : value;
}

// Where a region begins and ends along an axis: `edge` is 1 for left and right, 2 for top and bottom.
template <class T>
__device__ T corner(const RoiShape& shape, const T* roi, int edge) {
  return roi[edge] * static_cast<T>(shape.scale) - (shape.aligned ? T(.5) : T(0));
}

template <class T>
__device__ Samples<T> samples_of(const RoiShape& shape, const T* roi, int edge, int64_t bins, int64_t bin,
                                 int64_t cells) {
  const T from = corner(shape, roi, edge), to = corner(shape, roi, edge + 2);
  const T size = shape.aligned || to - from > 1 ? to - from : T(1);
  const T bin_size = size / static_cast<T>(bins);
  T count = shape.sampling_ratio > 0 ? static_cast<T>(shape.sampling_ratio) : ceil(bin_size);
  Samples<T> samples{from + static_cast<T>(bin) * bin_size, T(0), T(0), 0, 0};
  if (!(count >= 1)) return samples;
  samples.step = bin_size / count;
  samples.share = 1 / count;
  T first = 0, last = count;
  if (shape.sampling_ratio <= 0) {
    first = floor((-1 - samples.start) / samples.step) - 2;
    last = ceil((static_cast<T>(cells) - samples.start) / samples.step) + 2;
  }
  samples.begin = static_cast<int64_t>(within(first, T(0), count));
  samples.end = static_cast<int64_t>(within(last, T(0), count));
  return samples;
}

template <class T>
__device__ bool reaches(T at, int64_t cells) {
  return at >= -1 && at <= static_cast<T>(cells);
}

// The two cells around a place and the weight of the second.
template <class T>
struct Between {
  int64_t low, high;
  T above;

  __device__ Between(T at, int64_t cells) {
    const T inside = within(at, T(0), static_cast<T>(cells - 1));
    low = static_cast<int64_t>(inside);
    high = low + 1 < cells ? low + 1 : low;
    above = inside - static_cast<T>(low);
  }
};

template <class T>
__global__ void forward_kernel(RoiShape shape, const T* features, const T* rois, T* out) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= shape.rois * shape.channels * shape.out_height * shape.out_width) return;
  const int64_t j = index % shape.out_width, i = index / shape.out_width % shape.out_height;
  const int64_t plane = index / shape.out_width / shape.out_height;
  const T* roi = rois + plane / shape.channels * 5;
  out[index] = 0;
  if (!(roi[0] >= 0 && roi[0] < static_cast<T>(shape.maps))) return;
  const T* map = features +
                 (static_cast<int64_t>(roi[0]) * shape.channels + plane % shape.channels) * shape.height * shape.width;

  const Samples<T> rows = samples_of(shape, roi, 2, shape.out_height, i, shape.height);
  const Samples<T> columns = samples_of(shape, roi, 1, shape.out_width, j, shape.width);
  T sum = 0;
  for (int64_t s = rows.begin; s < rows.end; ++s) {
    if (!reaches(rows.at(s), shape.height)) continue;
    const Between<T> y(rows.at(s), shape.height);
    const T *low = map + y.low * shape.width, *high = map + y.high * shape.width;
    for (int64_t t = columns.begin; t < columns.end; ++t) {
      if (!reaches(columns.at(t), shape.width)) continue;
      const Between<T> x(columns.at(t), shape.width);
      sum += (1 - y.above) * ((1 - x.above) * low[x.low] + x.above * low[x.high]) +
             y.above * ((1 - x.above) * high[x.low] + x.above * high[x.high]);
    }
  }
  out[index] = sum * rows.share * columns.share;
}

// (rois, bins, cells): how much a cell counts in a bin along one axis
template <class T>
__global__ void weights_kernel(RoiShape shape, const T* rois, int edge, int64_t bins, int64_t cells, T* weights) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= shape.rois * bins * cells) return;
  const int64_t cell = index % cells, bin = index / cells % bins;
  const Samples<T> samples = samples_of(shape, rois + index / cells / bins * 5, edge, bins, bin, cells);
  T weight = 0;
  for (int64_t s = samples.begin; s < samples.end; ++s) {
    if (!reaches(samples.at(s), cells)) continue;
    const Between<T> at(samples.at(s), cells);
    if (at.low == cell) weight += 1 - at.above;
    if (at.high == cell && at.high != at.low) weight += at.above;
  }
  weights[index] = weight * samples.share;
}

// The cells along one axis that a region can touch.
struct Span {
  int64_t begin, end;
};

template <class T>
__device__ Span span_of(const RoiShape& shape, const T* roi, int edge, int64_t cells) {
  const T a = corner(shape, roi, edge), b = corner(shape, roi, edge + 2);
  const T from = a < b ? a : b, to = (a < b ? b : a) + (shape.aligned ? 0 : 1), last = static_cast<T>(cells - 1);
  return {static_cast<int64_t>(within(floor(from), T(0), last)), static_cast<int64_t>(within(ceil(to), T(0), last)) + 1};
}

template <class T>
__global__ void backward_kernel(RoiShape shape, const T* grad_out, const T* rois, const T* row_weights,
                                const T* column_weights, T* grad_features) {
  const int64_t map = blockIdx.x / shape.channels, channel = blockIdx.x % shape.channels;
  T* grad_map = grad_features + static_cast<int64_t>(blockIdx.x) * shape.height * shape.width;
  for (int64_t k = 0; k < shape.rois; ++k) {
    const T* roi = rois + k * 5;
    if (static_cast<int64_t>(roi[0]) != map) continue;
    const T* grad = grad_out + (k * shape.channels + channel) * shape.out_height * shape.out_width;
    const T* rows = row_weights + k * shape.out_height * shape.height;
    const T* columns = column_weights + k * shape.out_width * shape.width;
    const Span ys = span_of(shape, roi, 2, shape.height), xs = span_of(shape, roi, 1, shape.width);
    const int64_t width = xs.end - xs.begin, cells = (ys.end - ys.begin) * width;
    for (int64_t cell = threadIdx.x; cell < cells; cell += blockDim.x) {
      const int64_t y = ys.begin + cell / width, x = xs.begin + cell % width;
      T sum = 0;
      for (int64_t i = 0; i < shape.out_height; ++i) {
        const T row = rows[i * shape.height + y];
        if (row == 0) continue;
        T row_sum = 0;
        for (int64_t j = 0; j < shape.out_width; ++j)
          row_sum += columns[j * shape.width + x] * grad[i * shape.out_width + j];
        sum += row * row_sum;
      }
      grad_map[y * shape.width + x] += sum;
    }
    __syncthreads();  // the next region gives the cells to other threads
  }
}

}  // namespace

template <class T>
cudaError_t roi_align_forward(const RoiShape& shape, const T* features, const T* rois, T* out, cudaStream_t stream) {
  const int64_t outputs = shape.rois * shape.channels * shape.out_height * shape.out_width;
  return launch(forward_kernel<T>, blocks_for(outputs, largest_block), largest_block, stream, shape, features, rois,
                out);
}

template <class T>
cudaError_t roi_align_backward(const RoiShape& shape, const T* grad_out, const T* rois, T* weights, T* grad_features,
                               cudaStream_t stream) {
  if (shape.rois == 0) return cudaSuccess;
  const int64_t row_weights = shape.rois * shape.out_height * shape.height;
  const int64_t column_weights = shape.rois * shape.out_width * shape.width;
  cudaError_t status = launch(weights_kernel<T>, blocks_for(row_weights, largest_block), largest_block, stream, shape,
                              rois, 2, shape.out_height, shape.height, weights);
  if (status == cudaSuccess)
    status = launch(weights_kernel<T>, blocks_for(column_weights, largest_block), largest_block, stream, shape, rois, 1,
                    shape.out_width, shape.width, weights + row_weights);
  if (status != cudaSuccess) return status;
  return launch(backward_kernel<T>, shape.maps * shape.channels, largest_block, stream, shape, grad_out, rois, weights,
                weights + row_weights, grad_features);
}

#define PATCHKIT_INSTANTIATE(T)                                                                                    \
  template cudaError_t roi_align_forward(const RoiShape&, const T*, const T*, T*, cudaStream_t);                    \
  template cudaError_t roi_align_backward(const RoiShape&, const T*, const T*, T*, T*, cudaStream_t);
PATCHKIT_INSTANTIATE(float)
PATCHKIT_INSTANTIATE(double)

}  // namespace patchkit::cuda
