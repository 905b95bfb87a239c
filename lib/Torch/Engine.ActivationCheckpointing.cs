using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <content>Activation checkpointing.</content>
public static partial class Engine
{
    /// <summary>
    /// Runs a block without keeping what its backward pass needs; the backward pass computes the block again, with the
    /// same random numbers and under the same autocast. Memory falls to the block's input, time rises by a forward pass
    /// (Chen et al. 2016, arXiv 1604.06174).
    /// </summary>
    /// <param name="block">the block; its parameters' gradients are accumulated as usual.</param>
    /// <param name="input">its input, which requires a gradient; where it does not, the block is simply run.</param>
    public static Tensor CheckpointActivations(Func<Tensor, Tensor> block, Tensor input)
    {
        if (!is_grad_enabled() || !input.requires_grad)
            return block(input);
        var (device, autocast) = (input.device, AutocastState.Around(input.device_type));
        return AutogradNode.Run("Checkpoint", [input], Forward, Backward)[0];

        (Tensor[] Outputs, Tensor?[] Saved) Forward()
        {
            var random = RandomState.Of(device);
            // A weight's cast made here knows no graph; kept for the weight's next use, it would keep the gradient from
            // the weight.
            bool cached = Libtorch.HasCpp && Libtorch.is_autocast_cache_enabled();
            if (cached)
                Libtorch.set_autocast_cache_enabled(false);
            try
            {
                return ([block(input)], [input, .. random]);
            }
            finally
            {
                if (cached)
                    Libtorch.set_autocast_cache_enabled(true);
            }
        }

        Tensor?[] Backward(Tensor?[] saved, Tensor?[] gradients)
        {
            if (gradients[0] is not { } gradient)
                return [null];
            var again = saved[0]!.detach().requires_grad_();
            using (enable_grad())
                Engine.Backward(Again(again, [.. saved[1..].Select(state => state!)]), gradient);
            return [again.grad];
        }

        Tensor Again(Tensor again, Tensor[] random)
        {
            var (randomNow, autocastNow) = (RandomState.Of(device), AutocastState.Around(device.type));
            RandomState.Set(device, random);
            SetAutocast(autocast);
            try
            {
                return block(again);
            }
            finally
            {
                SetAutocast(autocastNow);
                RandomState.Set(device, randomNow);
            }
        }
    }

    // Casts of weights are made anew on both sides of the change: with no scope around the backward pass nothing else
    // would drop the block's, which are stale once the optimizer has stepped.
    private static void SetAutocast(AutocastState[] states)
    {
        foreach (var state in states)
            state.Set();
        if (Libtorch.HasCpp)
            Libtorch.clear_autocast_cache();
    }
}
