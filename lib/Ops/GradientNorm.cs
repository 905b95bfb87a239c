using System.Runtime.InteropServices;
using PatchKit.Torch;
using PatchKit.Torch.Calls;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <summary>
/// The norm of all gradients together, and gradients scaled down to one (Pascanu et al. 2013), as PyTorch's
/// clip_grad_norm_ does it.
/// </summary>
public static unsafe partial class GradientNorm
{
    // PyTorch's, against a norm of 0.
    private const double Tiny = 1e-6;

    /// <summary>
    /// Scales the gradients by max / (norm + 1e-6) where their norm is above max. On a CPU with libpatchkit the norm is
    /// one pass over all of them, and gradients below max are not touched.
    /// </summary>
    /// <param name="parameters">those without a gradient count nothing.</param>
    /// <param name="max">the norm that is kept; infinity to measure alone.</param>
    /// <returns>The norm before.</returns>
    public static double Clip(IEnumerable<Parameter> parameters, double max)
    {
        using var scope = NewDisposeScope();
        var all = parameters.ToList();
        Tensor[] gradients = [.. all.Select(parameter => parameter.grad).OfType<Tensor>()];
        if (gradients.Length == 0)
            return 0;
        if (!TryMeasure(gradients, out double norm))
            return Composed(all, max);
        double factor = max / (norm + Tiny);
        if (factor < 1)
            using (no_grad())
                Foreach.Multiply(gradients, full([], factor, gradients[0].dtype));
        return norm;
    }

    /// <summary>The same by libtorch, two operators for each gradient.</summary>
    /// <inheritdoc cref="Clip"/>
    public static double Composed(IEnumerable<Parameter> parameters, double max) =>
        nn.utils.clip_grad_norm_(parameters, max);

    // Where gradients are of one floating type, dense and on the CPU.
    private static bool TryMeasure(Tensor[] gradients, out double norm)
    {
        norm = 0;
        if (!Kernels.On(gradients[0]))
            return false;
        var vectors = new Vector[gradients.Length];
        var type = gradients[0].dtype;
        if (type is not (ScalarType.Float32 or ScalarType.Float64))
            return false;
        for (int i = 0; i < vectors.Length; i++)
        {
            var operand = new Operand(gradients[i]);
            if (!operand.IsContiguous || operand.Type != type || !Kernels.On(gradients[i]))
                return false;
            vectors[i] = new Vector(operand.Data, gradients[i].numel());
        }
        fixed (Vector* first = vectors)
        fixed (double* result = &norm)
            Kernels.Finish(pk_vector_norm(first, vectors.Length, (int)type, get_num_threads(), result), "vector_norm");
        GC.KeepAlive(gradients);
        return true;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Vector(nint data, long length)
    {
        internal readonly nint Data = data;
        internal readonly long Length = length;
    }

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_vector_norm(Vector* vectors, long count, int type, int threads, double* norm);
}
