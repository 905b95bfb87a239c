using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>
/// Bicubic resizing of position embeddings against 09_pos_embed, with the class token's embedding first and last.
/// </summary>
public sealed class InterpolateGolden
{
    private const string File = "09_pos_embed";

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(
            File,
            file =>
                file.Json.GetProperty("cases").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)
        );

    [Theory, MemberData(nameof(Cases))]
    public void Float32(string name) => Compare(name, ScalarType.Float32, GoldenFile.Open(File).Tolerance());

    [Theory, MemberData(nameof(Cases))]
    public void Float64(string name) => Compare(name, ScalarType.Float64, 1e-12);

    private static void Compare(string name, ScalarType dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        long from = golden.Case(name).GetProperty("orig_grid").GetInt64(),
            to = golden.Case(name).GetProperty("new_grid").GetInt64();
        var embedding = golden.Tensor($"{name}.in.pos_embed", dtype); // (1, 1 + from^2, D)

        Tensor Resize(Tensor grid) =>
            nn
                .functional.interpolate(
                    grid.reshape([1, from, from, -1]).permute(0, 3, 1, 2),
                    size: [to, to],
                    mode: InterpolationMode.Bicubic,
                    align_corners: false
                ) // (1, D, to, to)
                .permute(0, 2, 3, 1)
                .reshape([1, to * to, -1]); // (1, to^2, D)

        long n = from * from;
        golden.AssertClose(
            $"{name}.out.official_cls_first",
            cat([embedding.narrow(1, 0, 1), Resize(embedding.narrow(1, 1, n))], 1),
            tolerance
        );
        golden.AssertClose(
            $"{name}.out.cls_last",
            cat([Resize(embedding.narrow(1, 0, n)), embedding.narrow(1, n, 1)], 1),
            tolerance
        );
    }
}
