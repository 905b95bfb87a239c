// Gradient checkpointing: a graph node whose backward calls C#, which computes the block again and differentiates it.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "bridge/guard.h"

using namespace patchkit;

namespace {

// Gets an owned handle of the output's gradient; returns an owned handle of the input's, or null after an error.
using Backward = void* (*)(void* context, void* gradient);
using Release = void (*)(void* context);

struct Block final : torch::CustomClassHolder {
  Backward backward;
  Release release;
  void* context;

  Block(Backward backward, Release release, void* context) : backward(backward), release(release), context(context) {}
  ~Block() override { release(context); }
};

class Checkpoint : public torch::autograd::Function<Checkpoint> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& input, const at::Tensor& output,
                            const c10::intrusive_ptr<Block>& block) {
    ctx->saved_data["block"] = c10::IValue::make_capsule(c10::intrusive_ptr<torch::CustomClassHolder>(block));
    return output.detach();
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list gradients) {
    const auto capsule = ctx->saved_data["block"].toCapsule();
    const auto& block = static_cast<const Block&>(*capsule);
    void* found = block.backward(block.context, give(std::move(gradients[0])));
    TORCH_CHECK(found != nullptr, "the block failed when it was computed again");
    auto gradient = c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<c10::TensorImpl*>(found));
    return {at::Tensor(std::move(gradient)), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

// The block's output, computed without a graph, joined to the graph of its input by a node that recomputes. The context
// is released with the node, or here on failure.
PK_API void* pk_checkpoint(void* input, void* output, Backward backward, Release release, void* context) {
  return guarded(static_cast<void*>(nullptr), [&] {
    auto block = c10::make_intrusive<Block>(backward, release, context);
    return give(Checkpoint::apply(borrow(input), borrow(output), block));
  });
}
