using System.Globalization;
using PatchKit.Display.Figures;
using PatchKit.Display.Tables;
using Xunit;

namespace PatchKit.Tests.Display;

/// <summary>
/// Figures and tables that several tests look at, and the files in tests/fixtures/display that they are compared with.
/// </summary>
internal static class Samples
{
    internal static double Floor => 0.8;

    internal static double[] Sizes { get; } = [16, 8, 4, 2, 1];

    internal static double[] Losses { get; } = [1.12, 0.96, 0.88, 0.84, 0.82];

    /// <summary>Everything that a comparison with the paper needs, in one panel.</summary>
    internal static Figure Comparison { get; } =
        new Panel(
            Axis.PowersOfTwo("patch size", "pixels") with
            {
                Reversed = true,
            },
            Axis.Log("test loss", "nats", Floor)
        )
            .Band(
                "95% interval",
                Sizes,
                Losses.Select(loss => Floor + 0.8 * (loss - Floor)),
                Losses.Select(loss => Floor + 1.25 * (loss - Floor))
            )
            .Function("fitted law", size => Floor + 0.02 * size, 1, 16)
            .Scatter("paper", Sizes, Losses, Origin.Paper, group: "DeiT-B")
            .Scatter(
                "this run",
                Sizes,
                [1.15, 0.97, double.NaN, 0.845, 0.823],
                Origin.ThisRun,
                group: "DeiT-B",
                error: [0.02, 0.01, 0.01, 0.004, 0.002]
            )
            .Level(1.1, "chance")
            .Note(1, 0.82, "4,096 tokens")
            .ToFigure("The loss above its floor falls with the patch size", "DeiT-B & friends, <64 px>");

    internal static Table Losses1 { get; } =
        Table.PaperAgainstOurs(
            "Table 1",
            "patch size",
            "test loss",
            [("16", 1.1138, 1.1438), ("8", 0.923, 0.935), ("2|1", 0.8404, null), ("1", 0.8156, 0.8156)],
            Best.Lowest,
            unit: "nats"
        );

    /// <summary>
    /// Compares with a file; PATCHKIT_UPDATE_FIXTURES=1 writes it instead, to be read before it is committed.
    /// </summary>
    internal static void IsAsBefore(string name, string text)
    {
        string path = Checkout.Path("tests", "fixtures", "display", name);
        if (Environment.GetEnvironmentVariable("PATCHKIT_UPDATE_FIXTURES") == "1")
            File.WriteAllText(path, text + "\n");
        Assert.Equal(File.ReadAllText(path), text + "\n");
    }

    /// <summary>Does something in a culture whose numbers look otherwise.</summary>
    internal static T Elsewhere<T>(Func<T> work)
    {
        var (before, culture) = (CultureInfo.CurrentCulture, (CultureInfo)CultureInfo.InvariantCulture.Clone());
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NumberGroupSeparator = ".";
        culture.NumberFormat.PercentDecimalSeparator = ",";
        culture.NumberFormat.NegativeSign = "~";
        CultureInfo.CurrentCulture = culture;
        try
        {
            return work();
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
