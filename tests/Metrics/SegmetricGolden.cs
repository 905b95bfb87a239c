using PatchKit.Metrics;
using PatchKit.Tests.Golden;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Metrics;

/// <summary>
/// The confusion matrix and what is computed from it, against golden/11_segmetric (numpy, and mmsegmentation's
/// IoUMetric).
/// </summary>
public sealed class SegmetricGolden
{
    public static IEnumerable<TheoryDataRow<string>> Cases => GoldenFile.Cases("11_segmetric");

    [Theory, MemberData(nameof(Cases))]
    public void Equal(string name)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open("11_segmetric");
        var expected = golden.Case(name);
        int classes = expected.GetProperty("num_classes").GetInt32();
        bool reduced = expected.GetProperty("reduce_zero_label").GetBoolean();
        var confusion = new ConfusionMatrix(classes, expected.GetProperty("ignore_index").GetInt64());
        for (int image = 0; image < expected.GetProperty("images").GetInt32(); image++)
        {
            var labels = golden.Tensor($"{name}.{image}.label_raw").to(int64);
            confusion.Add(
                golden.Tensor($"{name}.{image}.pred").to(int64),
                reduced ? ConfusionMatrix.ReduceZeroLabel(labels) : labels
            );
        }
        var rows = expected.GetProperty("confusion_rows_gt_cols_pred");
        for (int label = 0; label < classes; label++)
        for (int guess = 0; guess < classes; guess++)
            Assert.Equal(rows[label][guess].GetInt64(), confusion[label, guess]);
        Assert.Equal(Numbers("IoU"), confusion.IoU);
        Assert.Equal(Numbers("Acc"), confusion.Accuracy);
        foreach (
            var (key, value) in new[] { ("mIoU", confusion.MIoU), ("mAcc", confusion.MAcc), ("aAcc", confusion.AAcc) }
        )
        {
            Assert.Equal(expected.GetProperty(key).GetDouble(), value, 1e-12);
            Assert.Equal(
                expected.GetProperty("reported_percent_2_decimals").GetProperty(key).GetDouble(),
                Math.Round(100 * value, 2)
            );
        }

        double[] Numbers(string key) =>
            [
                .. expected
                    .GetProperty(key)
                    .EnumerateArray()
                    .Select(value =>
                        value.ValueKind == System.Text.Json.JsonValueKind.Null ? double.NaN : value.GetDouble()
                    ),
            ];
    }
}
