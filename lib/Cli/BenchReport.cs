using System.Text.Json;
using PatchKit.Bench;
using PatchKit.Torch;

namespace PatchKit.Cli;

/// <summary>
/// Prints what a benchmark found as tables, each promise beside what was measured, and writes it as JSON.
/// </summary>
internal static class BenchReport
{
    internal static int Finish(BenchResult result, FileInfo? json)
    {
        if (result.Pairs.Count > 0)
            Tables.Print(
                "Beside a peer in the same run:",
                ["subject", "peer", "ours", "peer's", "ours / peer's", "spread", "promised"],
                result.Pairs.Select(Row),
                2,
                3,
                4
            );
        if (result.Figures.Count > 0)
            Tables.Print(
                "Measured:",
                ["figure", "measured", "promised"],
                result.Figures.Select(figure =>
                    (IReadOnlyList<string>)
                        [
                            figure.Subject,
                            Value(figure.Value, figure.Unit),
                            Promise(figure.Value, figure.Limit, figure.Unit),
                        ]
                ),
                1
            );
        if (result.Pairs.Any(m => m.Ours.Length > 1))
            Console.WriteLine(
                "Medians; the spread is that of the ratio, from smallest to largest, over as many "
                    + "interleaved pairs as it says."
            );
        Console.WriteLine(
            $"libtorch {Engine.LibtorchVersion}, {TorchSharp.torch.get_num_threads()} thread(s) unless the "
                + "line says otherwise."
        );
        if (json is not null)
            Write(result, json);
        return 0;
    }

    private static IReadOnlyList<string> Row(Measurement m)
    {
        double ratio = Measurement.Median(m.Ratios);
        return
        [
            m.Subject,
            m.Peer,
            Value(Measurement.Median(m.Ours), m.Unit),
            Value(Measurement.Median(m.Theirs), m.Unit),
            ratio < 0.095 ? $"{ratio:F3}" : $"{ratio:F2}",
            m.Ours.Length == 1 ? "once" : $"{m.Ratios.Min():F2}-{m.Ratios.Max():F2} ({m.Ours.Length})",
            Promise(ratio, m.Limit, ""),
        ];
    }

    private static string Promise(double measured, double? limit, string unit) =>
        limit is not { } most ? "" : $"<= {Value(most, unit)}, {(measured <= most ? "kept" : "missed")}";

    private static void Write(BenchResult result, FileInfo json)
    {
        var pairs = result.Pairs.Select(m => new
        {
            m.Subject,
            m.Peer,
            m.Unit,
            m.Ours,
            m.Theirs,
            Ratio = Measurement.Median(m.Ratios),
            m.Limit,
        });
        string partial = json.FullName + ".partial";
        File.WriteAllText(
            partial,
            JsonSerializer.Serialize(
                new
                {
                    libtorch = Engine.LibtorchVersion,
                    measurements = pairs,
                    figures = result.Figures,
                },
                CommandJson.Indented
            )
        );
        File.Move(partial, json.FullName, overwrite: true);
    }

    private static string Value(double value, string unit) =>
        (Math.Abs(value) >= 100 ? $"{value:N0} {unit}" : $"{value:F2} {unit}").TrimEnd();
}
