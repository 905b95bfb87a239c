using System.Text.Json;
using Spectre.Console;

namespace PatchKit.Cli;

/// <summary>Prints what a benchmark found as tables, each promise beside what was measured, and writes it as JSON.</summary>
internal static class BenchReport
{
    internal static int Finish(BenchResult result, FileInfo? json)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 170;
        if (result.Pairs.Count > 0) AnsiConsole.Write(Table(result.Pairs));
        if (result.Figures.Count > 0) AnsiConsole.Write(Table(result.Figures));
        if (result.Pairs.Any(m => m.Ours.Length > 1))
            AnsiConsole.WriteLine("Medians; the spread is that of the ratio, from smallest to largest, over as many interleaved pairs as it says.");
        AnsiConsole.WriteLine($"libtorch {Engine.LibtorchVersion}, {TorchSharp.torch.get_num_threads()} thread(s) unless the line says otherwise.");
        if (json is not null) Write(result, json);
        return 0;
    }

    private static Table Table(IReadOnlyList<Measurement> pairs)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("subject", "peer", "ours", "peer's", "ours / peer's", "spread", "promised");
        foreach (var m in pairs)
        {
            double ratio = Measurement.Median(m.Ratios);
            table.AddRow(m.Subject.EscapeMarkup(), m.Peer.EscapeMarkup(), Value(Measurement.Median(m.Ours), m.Unit), Value(Measurement.Median(m.Theirs), m.Unit),
                ratio < 0.095 ? $"{ratio:F3}" : $"{ratio:F2}", m.Ours.Length == 1 ? "once" : $"{m.Ratios.Min():F2}-{m.Ratios.Max():F2} ({m.Ours.Length})", Promise(ratio, m.Limit, ""));
        }
        return table;
    }

    private static Table Table(IReadOnlyList<Figure> figures)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("figure", "measured", "promised");
        foreach (var f in figures) table.AddRow(f.Subject.EscapeMarkup(), Value(f.Value, f.Unit), Promise(f.Value, f.Limit, f.Unit));
        return table;
    }

    private static string Promise(double measured, double? limit, string unit) =>
        limit is not { } most ? "" : $"<= {Value(most, unit)}, {(measured <= most ? "kept" : "missed")}";

    private static void Write(BenchResult result, FileInfo json)
    {
        var pairs = result.Pairs.Select(m => new { m.Subject, m.Peer, m.Unit, m.Ours, m.Theirs, Ratio = Measurement.Median(m.Ratios), m.Limit });
        string partial = json.FullName + ".partial";
        File.WriteAllText(partial, JsonSerializer.Serialize(new { libtorch = Engine.LibtorchVersion, measurements = pairs, figures = result.Figures }, new JsonSerializerOptions { WriteIndented = true }));
        File.Move(partial, json.FullName, overwrite: true);
    }

    private static string Value(double value, string unit) => (Math.Abs(value) >= 100 ? $"{value:N0} {unit}" : $"{value:F2} {unit}").TrimEnd();
}
