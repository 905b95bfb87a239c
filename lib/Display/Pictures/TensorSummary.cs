using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Display.Pictures;

/// <summary>A tensor in one line: what it is and what its values are like, never the values.</summary>
/// <param name="Name">what it is called; empty for nothing.</param>
/// <param name="Type">the type of its elements, such as "float32".</param>
/// <param name="Shape">its sizes.</param>
/// <param name="Device">where it is.</param>
/// <param name="Bytes">the memory of its elements.</param>
/// <param name="Min">the smallest finite element; NaN where there is none.</param>
/// <param name="Mean">the mean of the finite elements; NaN where there are none.</param>
/// <param name="Max">the largest finite element; NaN where there is none.</param>
/// <param name="NotFinite">how many elements are NaN or infinite.</param>
[TypeFormatterSource(typeof(FormatterSource<TensorSummary>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed record TensorSummary(
    string Name,
    string Type,
    IReadOnlyList<long> Shape,
    string Device,
    long Bytes,
    double Min,
    double Mean,
    double Max,
    long NotFinite
) : IRendered
{
    /// <summary>Looks at a tensor, where it is.</summary>
    public static TensorSummary Of(Tensor tensor, string name = "")
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var values = tensor.detach();
        long count = values.numel(),
            odd = 0;
        double min = double.NaN,
            mean = double.NaN,
            max = double.NaN;
        if (
            values.device_type != DeviceType.META
            && count > 0
            && !Type().StartsWith("complex", StringComparison.Ordinal)
        )
        {
            values = values.dtype == ScalarType.Float64 ? values : values.to(ScalarType.Float32);
            var finite = values.isfinite();
            odd = count - finite.sum().to(ScalarType.Int64).item<long>();
            if (odd > 0)
                values = values.masked_select(finite);
            if (odd < count)
                (min, mean, max) = (
                    Value(values.min()),
                    Value(values.to(ScalarType.Float64).mean()),
                    Value(values.max())
                );
        }
        return new(
            name,
            Type(),
            tensor.shape,
            tensor.device.ToString()!,
            count * tensor.element_size(),
            min,
            mean,
            max,
            odd
        );

        static double Value(Tensor one) => one.to(ScalarType.Float64).item<double>();
        string Type() => tensor.dtype.ToString().ToLowerInvariant();
    }

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => new Markup()
                .Raw("<code style='font-variant-numeric:tabular-nums'>")
                .Add($"{ToString()}</code>")
                .ToString(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>
    /// "images: float32 (64, 3, 32, 32) on cpu, 196,608 values, 768 KiB; min −2.1, mean 0.02, max 2.6".
    /// </summary>
    public override string ToString()
    {
        long count = Shape.Aggregate(1L, (product, size) => product * size);
        var (size, unit) =
            Bytes < 1 << 10 ? (1, "bytes")
            : Bytes < 1 << 20 ? (1 << 10, "KiB")
            : Bytes < 1 << 30 ? (1 << 20, "MiB")
            : (1 << 30, "GiB");
        string values = double.IsNaN(Mean)
            ? ""
            : $"; min {Numbers.Short(Min)}, mean {Numbers.Short(Mean)}, max {Numbers.Short(Max)}";
        string odd = NotFinite == 0 ? "" : $"; {Numbers.Format(NotFinite, "#,0")} not finite";
        string what = $"{(Name.Length > 0 ? Name + ": " : "")}{Type} ({string.Join(", ", Shape)}) on {Device}";
        return $"{what}, {Numbers.Format(count, "#,0")} {(count == 1 ? "value" : "values")}, "
            + $"{Numbers.Short((double)Bytes / size)} {unit}{values}{odd}";
    }
}
