using PatchKit.Patchify;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Patchify;

/// <summary>
/// Position embeddings taken to another grid, as the official code does and as the class token's place asks for,
/// against 09_pos_embed.
/// </summary>
public sealed class PositionEmbeddingGolden
{
    private const string File = "09_pos_embed";

    public static IEnumerable<TheoryDataRow<string>> Cases => GoldenFile.Cases(File);

    [Theory, MemberData(nameof(Cases))]
    public void Float32(string name) => Compare(name, ScalarType.Float32, GoldenFile.Open(File).Tolerance());

    [Theory, MemberData(nameof(Cases))]
    public void Float64(string name) => Compare(name, ScalarType.Float64, 1e-12);

    private static void Compare(string name, ScalarType dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        PatchGrid Grid(string key) =>
            golden.Case(name).GetProperty(key).GetInt32() is var side ? new(side, side) : default;
        Tensor Resize(ClsToken cls) =>
            PositionEmbedding.Resize(
                golden.Tensor($"{name}.in.pos_embed", dtype),
                Grid("orig_grid"),
                Grid("new_grid"),
                cls
            );

        golden.AssertClose($"{name}.out.official_cls_first", Resize(ClsToken.First), tolerance);
        golden.AssertClose($"{name}.out.cls_last", Resize(ClsToken.Last), tolerance);
    }
}
