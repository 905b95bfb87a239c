using PatchKit.Checkpoints;
using Xunit;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Checkpoints;

/// <summary>The report that loading gives, as text.</summary>
public class LoadReportTests
{
    [Fact]
    public void NamesEveryKeyThatDidNotMatch()
    {
        var report = new LoadReport("deit.pth (model)")
        {
            Matched = [new("cls_token", [1, 1, 192])],
            Missing = [new("head.bias", [10])],
            Unexpected = [.. Enumerable.Range(0, 10).Select(i => new KeyShape($"extra.{i}", [i]))],
            Reshaped = [new("pos_embed", [1, 197, 192], [1, 785, 192], "resized bicubically")],
        };
        Assert.Equal(
            """
            deit.pth (model): 1 matched, 1 missing, 10 unexpected, 1 reshaped
              missing     head.bias [10]
              unexpected  extra.0 [0]
              unexpected  extra.1 [1]
              unexpected  extra.2 [2]
              unexpected  extra.3 [3]
              unexpected  extra.4 [4]
              unexpected  extra.5 [5]
              unexpected  extra.6 [6]
              unexpected  extra.7 [7]
              unexpected  and 2 more
              reshaped    pos_embed [1, 197, 192] -> [1, 785, 192], resized bicubically
            """,
            report.ToString()
        );
        Assert.False(report.IsExact);
        Expect.Refused<CheckpointException>(() => report.ExpectExact(), "deit.pth", "head.bias [10]", "does not fit");
    }

    [Fact]
    public void SaysWhenAllMatched()
    {
        var report = new LoadReport("a.pth") { Matched = [new("w", [2])] };
        Assert.True(report.IsExact);
        Assert.Same(report, report.ExpectExact());
        Assert.Equal("a.pth: 1 matched, 0 missing, 0 unexpected, 0 reshaped", report.ToString());
    }
}
