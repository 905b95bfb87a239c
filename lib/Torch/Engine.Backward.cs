using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <content>Backward passes through PatchKit's own operators.</content>
public static partial class Engine
{
    /// <summary>
    /// <c>loss.backward()</c>. An exception in the backward pass of one of PatchKit's operators, or of a checkpointed
    /// block, is thrown as it was; TorchSharp's own call throws an <see cref="ExternalException"/> in its place, which
    /// holds its message.
    /// </summary>
    /// <param name="loss">what is differentiated: one number, unless its gradient is given.</param>
    /// <param name="gradient">the gradient of the loss, of its shape; null for 1.</param>
    /// <param name="retainGraph">whether the graph stays for another backward pass.</param>
    /// <exception cref="ExternalException">libtorch refuses: no graph, more than one number, an operand that was
    /// changed in place.</exception>
    public static void Backward(Tensor loss, Tensor? gradient = null, bool retainGraph = false) =>
        Differentiate(() => loss.backward(gradient is null ? null : [gradient], retain_graph: retainGraph));

    /// <summary><c>autograd.grad</c>, with the exceptions of <see cref="Backward"/>.</summary>
    /// <param name="outputs">what is differentiated.</param>
    /// <param name="inputs">with respect to what.</param>
    /// <param name="gradients">the outputs' gradients; null for 1 each.</param>
    /// <param name="retainGraph">whether the graph stays for another backward pass.</param>
    /// <returns>A gradient for each input.</returns>
    /// <inheritdoc cref="Backward" path="/exception"/>
    public static IList<Tensor> Gradients(
        IList<Tensor> outputs,
        IList<Tensor> inputs,
        IList<Tensor>? gradients = null,
        bool retainGraph = false
    )
    {
        IList<Tensor> found = [];
        Differentiate(() => found = autograd.grad(outputs, inputs, gradients, retain_graph: retainGraph));
        return found;
    }

    /// <summary>Runs a backward pass, and throws the exception of a node in place of libtorch's.</summary>
    internal static void Differentiate(Action pass)
    {
        try
        {
            BackwardFailures.Rethrow(pass);
        }
        finally
        {
            AutogradNode.ReleaseGiven();
        }
    }
}
