using PatchKit.Display.Figures;

namespace PatchKit.Experiments.Verdicts;

/// <summary>
/// What <see cref="VerdictRule"/> sees of some claims: each step's differences, seed by seed, their mean, and the
/// one-sided interval that must lie to the right of zero.
/// </summary>
public static class ClaimFigure
{
    /// <summary>A row for each step, the first on top, named by the claim and its verdict.</summary>
    /// <param name="title">what the figure shows.</param>
    /// <param name="claims">the claims, with steps.</param>
    /// <param name="scale">how large the runs were.</param>
    /// <param name="unit">of the differences.</param>
    /// <exception cref="ArgumentException">No claim has a step with a pair.</exception>
    public static Figure Draw(string title, IReadOnlyList<Claim> claims, Scale scale, string? unit = "nats")
    {
        var rows = (
            from claim in claims
            let word = VerdictRule.Of(claim, scale).Word
            from step in claim.Steps
            where step.Count > 0
            select (Name: $"{(claim.Effect.Length == 0 ? "" : $"{claim.Effect}, ")}{step.Name}: {word}", Step: step)
        )
            .Reverse()
            .ToList();
        if (rows.Count == 0)
            throw new ArgumentException(
                $"{claims.Count} claims have no step with a pair of seeds, so that there is nothing to "
                    + "draw; give claims of two settings that share seeds."
            );
        double most = rows.Max(row => row.Step.Gains.Max()),
            least = rows.Min(row => row.Step.Gains.Min()),
            margin = .05 * Math.Max(most - least, Math.Abs(most));
        double[] y = [.. Enumerable.Range(0, rows.Count).Select(i => (double)i)];
        var panel = new Panel(
            new Axis("difference, the claimed side to the right", unit)
            {
                Min = Math.Min(least, 0) - margin,
                Max = Math.Max(most, 0) + 2 * margin,
            },
            Axis.Named("", [.. rows.Select(row => row.Name)])
        );
        foreach (var (row, i) in rows.Select((row, i) => (row, i)).Where(entry => entry.row.Step.Count > 1))
            panel = panel.Line(
                panel.Marks.Count == 0 ? "one-sided 95% interval of the mean" : "",
                [Math.Max(row.Step.LowerEnd, Math.Min(least, 0) - margin), Math.Max(most, 0) + 2 * margin],
                [i, i],
                Origin.Law,
                group: "interval"
            );
        return panel
            .Scatter(
                "each seed",
                rows.SelectMany(row => row.Step.Gains),
                rows.SelectMany((row, i) => Enumerable.Repeat(y[i], row.Step.Count)),
                group: "seed"
            )
            .Scatter("mean", rows.Select(row => row.Step.Mean), y, Origin.Law, group: "interval")
            .At(0, "no difference")
            .ToFigure(title, "shown: every interval of the claim begins to the right of no difference") with
        {
            RowHeight = 70 + 26 * rows.Count,
            Width = 800,
        };
    }
}
