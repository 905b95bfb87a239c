// RoIAlign. Bilinear sampling is linear along each axis, and the samples of a bin form a grid, so a bin is
// sum over rows y and columns x of a_y a_x F[y, x]: the weights a_y and a_x of each region's bins are made once and
// serve all channels, forward and backward.
#include "roi_align.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "memory.h"
#include "parallel.h"
#include "stop.h"

namespace patchkit::kernels {
namespace {

// The samples of one bin along one axis.
template <class T>
struct Samples {
  T start, step;
  int64_t begin, end;  // of the samples that can lie in the map
  T share;             // what each counts

  T at(int64_t i) const { return start + (static_cast<T>(i) + T(.5)) * step; }
};

template <class T>
Samples<T> samples_of(T from, T to, int64_t bins, int64_t bin, int64_t cells, int64_t sampling_ratio, bool aligned) {
  const T size = aligned ? to - from : std::max(to - from, T(1));
  const T bin_size = size / static_cast<T>(bins);
  const T count = sampling_ratio > 0 ? static_cast<T>(sampling_ratio) : std::max(std::ceil(bin_size), T(0));
  Samples<T> samples{from + static_cast<T>(bin) * bin_size, T(0), 0, 0, T(0)};
  if (count < 1) return samples;
  samples.step = bin_size / count;
  samples.share = 1 / count;
  // A region far larger than the map has more samples outside it than anyone wants to visit.
  T first = 0, last = count;
  if (sampling_ratio <= 0) {
    first = std::floor((-1 - samples.start) / samples.step) - 2;
    last = std::ceil((static_cast<T>(cells) - samples.start) / samples.step) + 2;
  }
  samples.begin = static_cast<int64_t>(std::clamp(first, T(0), count));
  samples.end = static_cast<int64_t>(std::clamp(last, T(0), count));
  return samples;
}

// The cells that count in one bin along one axis: `count` of them from `first` on.
struct Reach {
  int64_t first, count, offset;
};

template <class T>
class AxisWeights {
 public:
  AxisWeights(const RoiShape& shape, const T* rois, int from, int64_t bins, int64_t cells)
      : bins_(bins), reaches_(shape.rois * bins), weights_(measure(shape, rois, from, cells)) {
    for_each_bin(shape, rois, from, cells, [&](const Reach& reach, const Samples<T>& samples) {
      T* weights = weights_.data() + reach.offset;
      std::fill_n(weights, reach.count, T(0));
      visit(samples, cells, [&](T at) {
        const int64_t low = static_cast<int64_t>(at);
        const T above = at - static_cast<T>(low);
        weights[low - reach.first] += samples.share * (1 - above);
        if (above > 0) weights[low + 1 - reach.first] += samples.share * above;
      });
    });
  }

  const Reach& reach(int64_t roi, int64_t bin) const { return reaches_.data()[roi * bins_ + bin]; }
  const T* weights(const Reach& reach) const { return weights_.data() + reach.offset; }

 private:
  // The places of the samples, moved into the map where they are less than a cell outside it.
  template <class Body>
  static void visit(const Samples<T>& samples, int64_t cells, Body body) {
    for (int64_t i = samples.begin; i < samples.end; ++i) {
      const T at = samples.at(i);
      if (at >= -1 && at <= static_cast<T>(cells)) body(std::clamp(at, T(0), static_cast<T>(cells - 1)));
    }
  }

  template <class Body>
  void for_each_bin(const RoiShape& shape, const T* rois, int from, int64_t cells, Body body) {
    const T offset = shape.aligned ? T(.5) : T(0), scale = static_cast<T>(shape.scale);
    for (int64_t roi = 0; roi < shape.rois; ++roi) {
      const T begin = rois[roi * 5 + from] * scale - offset, end = rois[roi * 5 + from + 2] * scale - offset;
      for (int64_t bin = 0; bin < bins_; ++bin)
        body(reaches_.data()[roi * bins_ + bin],
             samples_of(begin, end, bins_, bin, cells, shape.sampling_ratio, shape.aligned));
    }
  }

  // Fills in the reaches; returns how many weights they have together.
  int64_t measure(const RoiShape& shape, const T* rois, int from, int64_t cells) {
    int64_t total = 0;
    for_each_bin(shape, rois, from, cells, [&](Reach& reach, const Samples<T>& samples) {
      int64_t first = cells, last = -1;
      visit(samples, cells, [&](T at) {
        const int64_t low = static_cast<int64_t>(at);
        first = std::min(first, low);
        last = std::max(last, at > static_cast<T>(low) ? low + 1 : low);
      });
      reach = {first, std::max<int64_t>(0, last + 1 - first), total};
      total += reach.count;
    });
    return total;
  }

  int64_t bins_;
  Buffer<Reach> reaches_;
  Buffer<T> weights_;
};

template <class T>
struct Weights {
  Weights(const RoiShape& shape, const T* rois)
      : rows(shape, rois, 2, shape.out_height, shape.height), columns(shape, rois, 1, shape.out_width, shape.width) {}

  AxisWeights<T> rows, columns;
};

template <class T>
void forward_plane(const RoiShape& shape, const Weights<T>& in, int64_t roi, const T* map, T* out) {
  for (int64_t i = 0; i < shape.out_height; ++i) {
    const Reach& rows = in.rows.reach(roi, i);
    const T* row_weights = in.rows.weights(rows);
    for (int64_t j = 0; j < shape.out_width; ++j) {
      const Reach& columns = in.columns.reach(roi, j);
      const T* column_weights = in.columns.weights(columns);
      T sum = 0;
      for (int64_t y = 0; y < rows.count; ++y) {
        const T* cells = map + (rows.first + y) * shape.width + columns.first;
        T row_sum = 0;
        for (int64_t x = 0; x < columns.count; ++x) row_sum += column_weights[x] * cells[x];
        sum += row_weights[y] * row_sum;
      }
      out[i * shape.out_width + j] = sum;
    }
  }
}

template <class T>
void backward_plane(const RoiShape& shape, const Weights<T>& in, int64_t roi, const T* grad_out, T* grad_map) {
  for (int64_t i = 0; i < shape.out_height; ++i) {
    const Reach& rows = in.rows.reach(roi, i);
    const T* row_weights = in.rows.weights(rows);
    for (int64_t j = 0; j < shape.out_width; ++j) {
      const Reach& columns = in.columns.reach(roi, j);
      const T* column_weights = in.columns.weights(columns);
      for (int64_t y = 0; y < rows.count; ++y) {
        const T grad = row_weights[y] * grad_out[i * shape.out_width + j];
        T* cells = grad_map + (rows.first + y) * shape.width + columns.first;
        for (int64_t x = 0; x < columns.count; ++x) cells[x] += grad * column_weights[x];
      }
    }
  }
}

}  // namespace

template <class T>
bool roi_align_forward(const RoiShape& shape, const T* features, const T* rois, T* out) {
  const Weights<T> weights(shape, rois);
  const int64_t plane = shape.height * shape.width, out_plane = shape.out_height * shape.out_width;
  std::atomic<bool> finished{true};
  parallel(shape.rois, shape.threads, [&](int64_t roi) {
    if (stop_requested()) {
      finished = false;
      return;
    }
    const T* maps = features + static_cast<int64_t>(rois[roi * 5]) * shape.channels * plane;
    for (int64_t c = 0; c < shape.channels; ++c)
      forward_plane(shape, weights, roi, maps + c * plane, out + (roi * shape.channels + c) * out_plane);
  });
  return finished;
}

// A task owns one plane of the gradient and adds the regions to it in their order.
template <class T>
bool roi_align_backward(const RoiShape& shape, const T* grad_out, const T* rois, T* grad_features) {
  const Weights<T> weights(shape, rois);
  const int64_t plane = shape.height * shape.width, out_plane = shape.out_height * shape.out_width;
  std::atomic<bool> finished{true};
  parallel(shape.maps * shape.channels, shape.threads, [&](int64_t task) {
    if (stop_requested()) {
      finished = false;
      return;
    }
    const int64_t map = task / shape.channels, c = task % shape.channels;
    T* grad_map = grad_features + task * plane;
    std::fill_n(grad_map, plane, T(0));
    for (int64_t roi = 0; roi < shape.rois; ++roi)
      if (static_cast<int64_t>(rois[roi * 5]) == map)
        backward_plane(shape, weights, roi, grad_out + (roi * shape.channels + c) * out_plane, grad_map);
  });
  return finished;
}

template bool roi_align_forward(const RoiShape&, const float*, const float*, float*);
template bool roi_align_forward(const RoiShape&, const double*, const double*, double*);
template bool roi_align_backward(const RoiShape&, const float*, const float*, float*);
template bool roi_align_backward(const RoiShape&, const double*, const double*, double*);

}  // namespace patchkit::kernels
