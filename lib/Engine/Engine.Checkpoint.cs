using static TorchSharp.torch;

namespace PatchKit;

/// <content>TorchSharp has no node that calls back into C# with the graph intact: blocks are kept.</content>
public static partial class Engine
{
    /// <summary>Runs the block; this backend keeps what its backward pass needs, and saves no memory.</summary>
    public static Tensor Checkpoint(Func<Tensor, Tensor> block, Tensor input) => block(input);
}
