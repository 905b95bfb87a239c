using PatchKit.Training;

namespace PatchKit.Experiments;

/// <summary>What an experiment found: the paper's numbers beside ours, and a verdict computed from the numbers.</summary>
public sealed record Report
{
    /// <summary>The experiment's name.</summary>
    public required string Experiment { get; init; }

    /// <summary>What it reproduces.</summary>
    public required string Title { get; init; }

    /// <summary>The scale it was run at.</summary>
    public required Scale Scale { get; init; }

    /// <summary>The images it was run on.</summary>
    public required string Data { get; init; }

    /// <summary>Tables, in reading order.</summary>
    public required IReadOnlyList<ReportTable> Tables { get; init; }

    /// <summary>Each effect that the paper claims.</summary>
    public required IReadOnlyList<Verdict> Verdicts { get; init; }

    /// <summary>What must be kept in mind wherever these numbers are shown.</summary>
    public IReadOnlyList<string> Caveats { get; init; } = [];

    /// <summary>The keys of the runs behind it.</summary>
    public IReadOnlyList<string> Runs { get; init; } = [];

    /// <summary>Where it was made.</summary>
    public required Machine Machine { get; init; }

    /// <summary>The code's commit.</summary>
    public string Commit { get; init; } = Machine.Commit;

    /// <summary>When it was made, UTC.</summary>
    public DateTime Date { get; init; } = DateTime.UtcNow;

    /// <summary>The report in Markdown.</summary>
    public string ToMarkdown() => string.Join("\n\n",
    [
        $"# {Title}", $"Scale `{Scale.ToString().ToLowerInvariant()}`, {Data}; {Machine.Processor}, {Machine.Threads} threads, {Machine.Device}, libtorch {Machine.Libtorch}; commit {Commit}, {Date:yyyy-MM-dd}.",
        .. Tables.Select(table => table.ToMarkdown()),
        string.Join('\n', Verdicts.Select(verdict => $"- {verdict}")),
        .. Caveats.Count == 0 ? Array.Empty<string>() : ["Keep in mind:\n" + string.Join('\n', Caveats.Select(caveat => $"- {caveat}"))],
    ]) + "\n";
}
