using PatchKit.Ops;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>
/// RoIAlign and non-maximum suppression, composed and fused, against torchvision's numbers in 12_roi_nms.
/// </summary>
public sealed class RoiNmsGolden
{
    private const string File = "12_roi_nms";

    public static IEnumerable<TheoryDataRow<string>> Regions =>
        GoldenFile.Cases(File, file => Names(file, "roi_align"));

    public static IEnumerable<TheoryDataRow<string>> Suppressions =>
        GoldenFile.Cases(File, file => Names(file, "nms/batched_nms"));

    [Theory, MemberData(nameof(Regions))]
    public void ComposedRegions(string name) => Compare(name, fused: false);

    [Theory, MemberData(nameof(Regions))]
    public void FusedRegions(string name) => Compare(name, fused: true);

    [Theory, MemberData(nameof(Suppressions))]
    public void KeptBoxesAreTheSame(string name)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        var (boxes, scores, classes) = (
            golden.Tensor($"{name}.in.boxes"),
            golden.Tensor($"{name}.in.scores"),
            golden.Tensor($"{name}.in.idxs")
        );
        double iou = golden.Case(name).GetProperty("iou_threshold").GetDouble();
        long[] all = Kept("out.keep"),
            within = Kept("out.batched_keep");
        Assert.Equal(all, Numbers(Nms.Composed(boxes, scores, null, iou)));
        Assert.Equal(within, Numbers(Nms.Composed(boxes, scores, classes, iou)));
        Assert.Equal(all, Numbers(Nms.Run(boxes, scores, iou)));
        Assert.Equal(within, Numbers(Nms.ByClass(boxes, scores, classes, iou)));

        long[] Kept(string part) => [.. golden.Array($"{name}.{part}").Select(index => (long)index)];
    }

    private static void Compare(string name, bool fused)
    {
        var golden = GoldenFile.Open(File);
        // the regions' corners are float32 in the reference too
        Compare(golden, name, fused, ScalarType.Float64, 1e-6, 1e-6);
        Compare(golden, name, fused, ScalarType.Float32, golden.Tolerance(), 1e-4);
    }

    private static void Compare(
        GoldenFile golden,
        string name,
        bool fused,
        ScalarType dtype,
        double tolerance,
        double gradientTolerance
    )
    {
        using var scope = NewDisposeScope();
        var settings = golden.Case(name);
        var (features, rois) = (
            golden.Tensor($"{name}.in.x", dtype).requires_grad_(),
            golden.Tensor($"{name}.in.rois")
        );
        var (height, width) = (
            settings.GetProperty("output")[0].GetInt32(),
            settings.GetProperty("output")[1].GetInt32()
        );
        Func<Tensor, Tensor, (int, int), double, int, bool, Tensor> op = fused ? RoiAlign.Run : RoiAlign.Composed;
        var y = op(
            features,
            rois,
            (height, width),
            settings.GetProperty("spatial_scale").GetDouble(),
            settings.GetProperty("sampling_ratio").GetInt32(),
            settings.GetProperty("aligned").GetBoolean()
        );
        (y * golden.Tensor($"{name}.in.w", dtype)).sum().backward();
        golden.AssertClose($"{name}.out.y", y, tolerance);
        golden.AssertClose($"{name}.grad.x", features.grad!, gradientTolerance);
    }

    private static IEnumerable<string> Names(GoldenFile file, string op) =>
        file
            .Json.GetProperty("cases")
            .EnumerateArray()
            .Where(entry => entry.GetProperty("op").GetString() == op)
            .Select(entry => entry.GetProperty("name").GetString()!);

    private static long[] Numbers(Tensor kept) => kept.cpu().data<long>().ToArray();
}
