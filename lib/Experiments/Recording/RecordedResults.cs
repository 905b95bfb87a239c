using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Recording;

/// <summary>
/// What is recorded of an experiment: a result for each scale, set of images and machine. Shown, it says where each
/// comes from and what its verdicts are.
/// </summary>
/// <param name="Experiment">the experiment's name.</param>
/// <param name="All">the results, the largest scale first.</param>
/// <param name="Refused">a sentence for each file of the folder that could not be read.</param>
[TypeFormatterSource(
    typeof(FormatterSource<RecordedResults>),
    PreferredMimeTypes = [Mime.Html, Mime.Markdown, Mime.Text]
)]
public sealed record RecordedResults(
    string Experiment,
    IReadOnlyList<RecordedResult> All,
    IReadOnlyList<string> Refused
) : IRendered
{
    private const string Name = "recorded",
        Notebooks = "notebooks";

    /// <summary>What is recorded of an experiment.</summary>
    /// <param name="experiment">which.</param>
    /// <param name="folder">where recorded results are kept; <see cref="Nearby"/> if null.</param>
    public static RecordedResults Of(Experiment experiment, string? folder = null)
    {
        var (results, refused) = In(folder ?? Nearby());
        return new(experiment.Name, [.. results.Where(result => result.Experiment == experiment.Name)], refused);
    }

    /// <summary>
    /// All results of a folder, by experiment and scale, the largest first; and a sentence for each file that is none.
    /// </summary>
    public static (IReadOnlyList<RecordedResult> Results, IReadOnlyList<string> Refused) In(string folder)
    {
        List<RecordedResult> results = [];
        List<string> refused = [];
        string[] paths = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.json") : [];
        foreach (string path in paths.Order(StringComparer.Ordinal))
        {
            try
            {
                results.Add(RecordedResult.Load(path));
            }
            catch (IOException e)
            {
                refused.Add(e.Message);
            }
        }
        return (
            [
                .. results
                    .OrderBy(result => result.Experiment, StringComparer.Ordinal)
                    .ThenByDescending(result => result.Scale),
            ],
            refused
        );
    }

    /// <summary>
    /// The folder of recorded results: `recorded` in the current folder, where notebooks run, or notebooks/recorded in
    /// it or above; where there is none yet, where it would be.
    /// </summary>
    public static string Nearby()
    {
        if (Directory.Exists(Name))
            return Path.GetFullPath(Name);
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
            if (Directory.Exists(Path.Combine(folder.FullName, Notebooks)))
                return Path.Combine(folder.FullName, Notebooks, Name);
        return Path.GetFullPath(Path.Combine(Notebooks, Name));
    }

    /// <summary>A curve of each result.</summary>
    /// <param name="runs">picks the runs of a result; a result without any has no curve.</param>
    /// <param name="x">the abscissa of a configuration.</param>
    /// <param name="y">the score of a run.</param>
    /// <param name="what">what a legend adds to the result's name.</param>
    public IReadOnlyList<SeedCurve> Curves(
        Func<RecordedResult, IEnumerable<RunResult>> runs,
        Func<RunConfig, double> x,
        Func<RunResult, double> y,
        string what = ""
    ) =>
        [
            .. from result in All
            let picked = runs(result).ToList()
            where picked.Count > 0
            select SeedCurve.Of($"{result.Name}{(what == "" ? "" : $", {what}")}", Origin.Recorded, picked, x, y),
        ];

    /// <summary>
    /// The curves of one family over patch sizes: test losses in nats, one curve for each result and input size.
    /// </summary>
    public IReadOnlyList<SeedCurve> LossCurves(Family family) =>
        [
            .. from result in All
            from sweep in result.Sweeps
            where sweep.Value.Results[0].Config.Family == family
            let pixels = $", {sweep.Value.Results[0].Config.Model.Height} px"
            select SeedCurve.Of(result.Name + pixels, Origin.Recorded, sweep.Value),
        ];

    /// <summary>
    /// The curves of one family over patch sizes: what a training step took, one curve for each result and model.
    /// </summary>
    /// <param name="family">the family.</param>
    /// <param name="figure">such as the seconds for an image; a measurement without it is left out.</param>
    public IReadOnlyList<SeedCurve> CostCurves(Family family, Func<StepCost, double?> figure) =>
        [
            .. from result in All
            from cost in result.Measurements
            where cost.Model is VisionTransformerConfig == (family == Family.ViT) && figure(cost) is not null
            orderby cost.Model.PatchSize descending
            group cost by (result.Name, cost.Model.EmbedDim, cost.Model.Height) into model
            select new SeedCurve(
                $"{model.Key.Name}, D={model.Key.EmbedDim}, {model.Key.Height} px",
                Origin.Recorded,
                [.. model.Select(cost => (double)cost.Model.PatchSize)],
                [.. model.Select(cost => figure(cost)!.Value)]
            ),
        ];

    /// <summary>
    /// For the foot of a figure: how many results there are, or that there are none. Where each comes from is said
    /// once, where these are shown.
    /// </summary>
    public string Caption =>
        All.Count == 0
            ? $"Nothing is recorded of {Experiment} yet."
            : $"Recorded: {(All.Count == 1 ? "1 result" : $"{All.Count} results")}; machine, commits and "
                + "dates stand with the verdicts above.";

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => ToHtml(),
            Mime.Markdown => ToMarkdown(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>The results in HTML.</summary>
    public string ToHtml()
    {
        var html = new Markup();
        foreach (var result in All)
        {
            html.Add(
                $"<details style='margin:6px "
                    + $"0'><summary><strong>{result.Name}</strong>: {result.Headline}</summary><p "
                    + $"style='margin:4px 0;font-size:90%;opacity:0.8'>{result.Origin}</p>"
            );
            html.Raw(new Conclusion(result.Report.Verdicts, []).ToHtml());
            if (VerdictRule.Earlier(result.Report) is { } earlier)
                html.Raw("<p style='max-width:860px'>").Prose(earlier).Raw("</p>");
            html.Raw("</details>");
        }
        foreach (string sentence in Missing.Concat(Refused))
            html.Raw("<p style='max-width:860px'>").Prose(sentence).Raw("</p>");
        return html.ToString();
    }

    /// <summary>The results in Markdown.</summary>
    public string ToMarkdown() =>
        string.Join(
            "\n\n",
            [
                .. All.Select(result =>
                    $"**{result.Name}**: {result.Origin}\n\n{new Conclusion(result.Report.Verdicts, [])}"
                    + $"{(VerdictRule.Earlier(result.Report) is { } earlier ? $"\n\n{earlier}" : "")}"
                ),
                .. Missing,
                .. Refused,
            ]
        );

    /// <summary>The results as text.</summary>
    public override string ToString() => ToMarkdown();

    private IEnumerable<string> Missing
    {
        get
        {
            bool trains = ExperimentBook.Find(Experiment).Steps(new ExperimentOptions { Scale = Scale.Gpu }).Count == 0;
            string options = $"{Experiment} --scale gpu{(trains ? " --data FOLDER" : "")}";
            if (All.All(result => result.Scale < Scale.Gpu))
            {
                string scale = All.Count == 0 ? "" : " at the scale gpu";
                yield return $"Nothing is recorded of {Experiment}{scale} yet: on a machine with a GPU, "
                    + $"`patchkit run {options} --device cuda` and then `patchkit record {options}` would.";
            }
        }
    }
}
