using System.Globalization;
using PatchKit.Display.Formatting;
using PatchKit.Metrics;
using PatchKit.Training.Loop;
using static TorchSharp.torch;

namespace PatchKit.Training.Runs;

/// <summary>What a finished run printed, and how to come to it again.</summary>
/// <param name="Key">the configuration's.</param>
/// <param name="Config">the configuration.</param>
/// <param name="Test">on the test images, after the last step.</param>
/// <param name="TrainingLoss">the mean over the last twentieth of the steps.</param>
/// <param name="Steps">steps of training.</param>
/// <param name="Seconds">spent in them, those before an interruption among them; how fast the machine was, and no
/// more.</param>
/// <param name="Parameters">learned numbers.</param>
/// <param name="Machine">where it ran.</param>
/// <param name="Commit">the code's.</param>
/// <param name="Date">when it ended, UTC.</param>
/// <param name="LeftOut">files that could not be read and were left out, as far as they were met since the last
/// interruption; of several ranks, rank 0's.</param>
/// <param name="Scores">what a task beyond classification scores; null for classification, whose scores are the
/// test's.</param>
/// <param name="Speed">how fast training was; null in results from before it was recorded.</param>
/// <param name="Precision">the element type of weights and images.</param>
[TypeFormatterSource(typeof(FormatterSource<RunResult>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed record RunResult(
    string Key,
    RunConfig Config,
    EvaluationResult Test,
    double TrainingLoss,
    long Steps,
    double Seconds,
    long Parameters,
    Machine Machine,
    string Commit,
    DateTime Date,
    int LeftOut = 0,
    TaskResult? Scores = null,
    TrainingSpeed? Speed = null,
    ScalarType Precision = ScalarType.Float32
) : IRendered
{
    /// <summary>The score that a line about the run shows: "top-1 50.6 %" or the task's own.</summary>
    public string Headline =>
        Scores?.Headline
        ?? (
            double.IsNaN(Test.Top1)
                ? "no accuracy"
                : string.Create(CultureInfo.InvariantCulture, $"top-1 {100 * Test.Top1:0.0} %")
        );

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => new Markup().Add($"<span>{ToString()}</span>").ToString(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>A line for people: the configuration, "test loss 1.789, top-1 50.6 %".</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Config}: test loss {Test.Loss:0.000}, {Headline}");
}
