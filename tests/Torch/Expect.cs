using System.Globalization;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>
/// What tests say about tensors: values as text, such as "[[1, 2], [3, 4.5]]", and refusals by the words in them.
/// </summary>
internal static class Expect
{
    internal static void Is(string expected, Tensor actual) => Assert.Equal(expected, Text(actual));

    internal static void Shape(Tensor actual, params long[] expected) => Assert.Equal(expected, actual.shape);

    internal static void SameBits(Tensor expected, Tensor actual)
    {
        Assert.Equal((expected.dtype, Sizes(expected)), (actual.dtype, Sizes(actual)));
        Assert.True(
            expected.cpu().contiguous().bytes.SequenceEqual(actual.cpu().contiguous().bytes),
            $"{actual} differs from {expected}"
        );
    }

    internal static string Refused<TException>(Action call, params string[] words)
        where TException : Exception
    {
        string sentence = Assert.ThrowsAny<TException>(call).Message;
        Assert.All(words, word => Assert.Contains(word, sentence));
        return sentence;
    }

    private static string Sizes(Tensor t) => string.Join("x", t.shape);

    private static string Text(Tensor t)
    {
        var values = t.detach().to(float64).data<double>().ToArray();
        int next = 0;
        return Write(t.shape);

        string Write(ReadOnlySpan<long> sizes)
        {
            if (sizes.IsEmpty)
                return Cell(values[next++]);
            var parts = new string[sizes[0]];
            for (int i = 0; i < parts.Length; i++)
                parts[i] = Write(sizes[1..]);
            return $"[{string.Join(", ", parts)}]";
        }

        string Cell(double v) =>
            t.dtype == ScalarType.Bool
                ? v != 0
                    ? "T"
                    : "F"
                : Math.Round(v, 4).ToString(CultureInfo.InvariantCulture);
    }
}
