// Gradients averaged over the ranks while the backward pass is still running. Parameters are put into buckets in the reverse of their
// order, which is about the order in which their gradients come; a bucket goes out when its gradients are there and those before it are out, so
// that all ranks send the same buckets in the same order.
//
// Not c10d::Reducer: its constructor differs from version to version, it fails on checkpointed blocks, whose backward pass is a
// backward pass inside another, and it takes a parameter without a gradient for an error. Here a parameter that no rank has a gradient for
// is left without one, so that the optimizer passes over it as it does in one process.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>

#include "bridge/guard.h"
#include "distributed/abi.h"
#include "distributed/group.h"

namespace patchkit {
namespace {

struct Bucket {
  std::vector<size_t> parameters;
  std::vector<int64_t> offsets;  // of their gradients in `flat`
  int64_t numbers = 0;           // of all gradients; behind them one flag for each, whether it is there, and in the last bucket the extras
  size_t missing = 0;            // gradients that are not there yet
  at::Tensor flat;
  WorkPtr work;
};

class Gradients {
 public:
  Gradients(Group& group, std::vector<at::Tensor> parameters, int64_t bucket_bytes)
      : group_(group), parameters_(std::move(parameters)), bucket_of_(parameters_.size()), present_(parameters_.size()) {
    at::NoGradGuard no_grad;
    for (size_t i = parameters_.size(); i-- > 0;) {
      auto& parameter = parameters_[i];
      TORCH_CHECK(parameter.is_leaf() && parameter.requires_grad(), "parameter ", i, " is no leaf that takes a gradient");
      bool fits = !buckets_.empty() && buckets_.back().numbers * parameter.element_size() < bucket_bytes &&
                  parameters_[buckets_.back().parameters[0]].options().type_equal(parameter.options());
      if (!fits) buckets_.emplace_back();
      auto& bucket = buckets_.back();
      bucket.parameters.push_back(i);
      bucket.offsets.push_back(bucket.numbers);
      bucket.numbers += parameter.numel();
      bucket_of_[i] = buckets_.size() - 1;
    }
    for (size_t i = 0; i < parameters_.size(); i++) {
      auto accumulator = torch::autograd::impl::grad_accumulator(parameters_[i]);
      auto hook = [this, i](const torch::autograd::variable_list& outputs, const torch::autograd::variable_list&) {
        arrived(i);
        return outputs;
      };
      keys_.push_back(accumulator->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(hook)));
      accumulators_.push_back(std::move(accumulator));  // else it is made anew for each graph, without the hook
    }
  }

  ~Gradients() {
    for (size_t i = 0; i < accumulators_.size(); i++) accumulators_[i]->del_post_hook(keys_[i]);
  }

  // The next backward pass is the one whose gradients go out.
  void arm(const at::Tensor& extras) {
    extras_ = extras.detach();
    next_ = 0;
    std::fill(present_.begin(), present_.end(), false);
    for (auto& bucket : buckets_) {
      bucket.missing = bucket.parameters.size();
      bucket.work = {};
    }
    armed_ = true;
  }

  // Sends what is left, waits for all, and puts the averages in the gradients' places. Writes the extras' averages.
  void finish(double* extras) {
    at::NoGradGuard no_grad;
    TORCH_CHECK(armed_, "there is no backward pass to finish; arm the gradients before it");
    while (next_ < buckets_.size()) launch();
    armed_ = false;
    std::vector<at::Tensor> to_read;
    std::vector<size_t> absent;
    for (auto& bucket : buckets_) {
      group_.await(bucket.work);
      for (size_t k = 0; k < bucket.parameters.size(); k++) {
        auto i = bucket.parameters[k];
        if (present_[i]) {
          parameters_[i].mutable_grad().copy_(view(bucket, k));
        } else {
          absent.push_back(i);
          to_read.push_back(bucket.flat.narrow(0, bucket.numbers + static_cast<int64_t>(k), 1));
        }
      }
    }
    auto& last = buckets_.back();
    to_read.push_back(last.flat.narrow(0, last.flat.numel() - extras_.numel(), extras_.numel()));
    for (auto& part : to_read) part = part.to(last.flat.options());
    auto read = at::cat(to_read).to(at::kCPU, at::kDouble).contiguous();  // the one copy to the host
    const double* values = read.data_ptr<double>();
    for (auto i : absent) {
      if (*values++ == 0) continue;  // no rank has it
      auto& bucket = buckets_[bucket_of_[i]];
      size_t k = static_cast<size_t>(std::find(bucket.parameters.begin(), bucket.parameters.end(), i) - bucket.parameters.begin());
      parameters_[i].mutable_grad() = view(bucket, k).clone();
    }
    std::copy(values, values + extras_.numel(), extras);
  }

 private:
  at::Tensor view(Bucket& bucket, size_t k) {
    auto& parameter = parameters_[bucket.parameters[k]];
    return bucket.flat.narrow(0, bucket.offsets[k], parameter.numel()).view(parameter.sizes());
  }

  void arrived(size_t i) {
    if (!armed_) return;
    auto& bucket = buckets_[bucket_of_[i]];
    if (present_[i]) {  // once more, from the backward pass of a checkpointed block
      TORCH_CHECK(bucket_of_[i] >= next_, "parameter ", i, " got a gradient twice in one backward pass; checkpoint blocks that share no parameters");
      return;
    }
    present_[i] = true;
    bucket.missing--;
    while (next_ < buckets_.size() && buckets_[next_].missing == 0) launch();
  }

  void launch() {
    at::NoGradGuard no_grad;
    auto& bucket = buckets_[next_];
    bool last = next_ + 1 == buckets_.size();
    auto options = parameters_[bucket.parameters[0]].options().requires_grad(false);
    if (!bucket.flat.defined()) {
      bucket.flat = at::empty({bucket.numbers + static_cast<int64_t>(bucket.parameters.size()) + (last ? extras_.numel() : 0)}, options);
    }
    std::vector<float> flags;
    for (size_t k = 0; k < bucket.parameters.size(); k++) {
      auto i = bucket.parameters[k];
      const auto& gradient = parameters_[i].grad();
      // A gradient may be there from the earlier parts of the batch although the last one gave none.
      present_[i] = gradient.defined();
      flags.push_back(gradient.defined() ? 1 : 0);
      if (gradient.defined()) {
        view(bucket, k).copy_(gradient);
      } else {
        view(bucket, k).zero_();
      }
    }
    auto count = static_cast<int64_t>(flags.size());
    bucket.flat.narrow(0, bucket.numbers, count).copy_(at::tensor(flags));
    if (last) bucket.flat.narrow(0, bucket.numbers + count, extras_.numel()).copy_(extras_);
    bucket.flat.div_(group_.size);
    std::vector<at::Tensor> tensors{bucket.flat};
    bucket.work = group_.backend->allreduce(tensors);
    next_++;
  }

  Group& group_;
  std::vector<at::Tensor> parameters_;
  std::vector<Bucket> buckets_;
  std::vector<size_t> bucket_of_;
  std::vector<bool> present_;
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators_;
  std::vector<uintptr_t> keys_;
  at::Tensor extras_;  // what travels along: the loss, and the wish to stop
  size_t next_ = 0;
  bool armed_ = false;
};

}  // namespace
}  // namespace patchkit

using namespace patchkit;

PK_API void* pkd_gradients(void* group, void* const* parameters, int32_t n, int64_t bucket_bytes) {
  return guarded(static_cast<void*>(nullptr), [&] {
    std::vector<at::Tensor> own;
    for (int32_t i = 0; i < n; i++) own.push_back(borrow(parameters[i]));
    return static_cast<void*>(new Gradients(*static_cast<Group*>(group), std::move(own), bucket_bytes));
  });
}

PK_API void pkd_gradients_free(void* gradients) { delete static_cast<Gradients*>(gradients); }

// extras: (K) numbers, averaged along with the gradients.
PK_API int32_t pkd_gradients_arm(void* gradients, void* extras) {
  return guarded(-1, [&] { return static_cast<Gradients*>(gradients)->arm(borrow(extras)), 0; });
}

PK_API int32_t pkd_gradients_finish(void* gradients, double* extras) {
  return guarded(-1, [&] { return static_cast<Gradients*>(gradients)->finish(extras), 0; });
}
