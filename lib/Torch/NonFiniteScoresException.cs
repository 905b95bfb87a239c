using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// Scores of a model that are no numbers, of which none is the best: they are no answer, and are counted as none.
/// </summary>
/// <param name="message">a sentence that says where they come from.</param>
public sealed class NonFiniteScoresException(string message) : ArithmeticException(message)
{
    /// <summary>Refuses scores of which one is NaN or infinite.</summary>
    /// <param name="scores">(B, ...), of which each is of one image.</param>
    /// <param name="where">what first gives such numbers, such as "block 3", where that is known; asked only
    /// then.</param>
    /// <exception cref="NonFiniteScoresException">One is.</exception>
    public static void Refuse(Tensor scores, Func<string?>? where = null)
    {
        using var scope = NewDisposeScope();
        var finite = scores.isfinite();
        if (finite.all().item<bool>())
            return;
        long images = finite.flatten(1).all(1).logical_not().sum().item<long>();
        throw new NonFiniteScoresException(
            $"the model gives {(images == scores.shape[0] ? "each" : $"{images} of {scores.shape[0]}")} of "
                + "the images scores that are not "
                + $"finite{(where?.Invoke() is { } layer ? $"; {layer} is where that begins" : "")}. "
                + "Its weights hold such numbers, or are of another model or too large for this precision; "
                + "look at them with `patchkit inspect`, or score in float32 (without --bf16)."
        );
    }
}
