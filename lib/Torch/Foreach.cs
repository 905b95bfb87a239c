using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>Operators that change many tensors in one call: a few kernels on a GPU, one loop in C++ on a CPU.</summary>
internal static class Foreach
{
    private static readonly Operator s_lerp = new("aten::_foreach_lerp_", "List"),
        s_multiply = new("aten::_foreach_mul_", "Tensor"),
        s_copy = new("aten::_foreach_copy_");

    /// <summary>Moves tensors towards others, a + w (b - a).</summary>
    /// <param name="tensors">changed in place; all of one type and device.</param>
    /// <param name="ends">one for each, of its shape, type and device.</param>
    /// <param name="weight">w.</param>
    internal static void Lerp(Tensor[] tensors, Tensor[] ends, double weight)
    {
        if (tensors.Length == 0)
            return;
        using var one = full([], weight, tensors[0].dtype, tensors[0].device);
        s_lerp.Invoke(tensors, ends, Array.ConvertAll(tensors, _ => one));
    }

    /// <summary>Copies tensors into others.</summary>
    /// <param name="tensors">changed in place.</param>
    /// <param name="sources">one for each, of its shape.</param>
    internal static void Copy(Tensor[] tensors, Tensor[] sources)
    {
        if (tensors.Length > 0)
            s_copy.Invoke(tensors, sources, false);
    }

    /// <summary>Multiplies tensors by a number that is on their device.</summary>
    /// <param name="tensors">changed in place.</param>
    /// <param name="factor">one number.</param>
    internal static void Multiply(Tensor[] tensors, Tensor factor) => s_multiply.Invoke(tensors, factor);
}
