using System.Globalization;
using System.Text.Json;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Recording;

/// <summary>What a run printed of each epoch of its training, the first epoch first; six significant digits.</summary>
/// <param name="Loss">the mean training loss over the epoch's steps, in nats.</param>
/// <param name="LearningRate">at its last step.</param>
/// <param name="GradientNorm">of its last step, before clipping.</param>
public sealed record RecordedEpochs(
    IReadOnlyList<double> Loss,
    IReadOnlyList<double> LearningRate,
    IReadOnlyList<double> GradientNorm
)
{
    /// <summary>The epochs of a finished run, from its metrics.</summary>
    /// <param name="store">which has the run.</param>
    /// <param name="run">the run.</param>
    /// <exception cref="ArgumentException">The metrics do not have every epoch.</exception>
    public static RecordedEpochs Of(RunStore store, RunResult run)
    {
        string path = Path.Combine(store.FolderOf(run.Config), MetricsLog.FileName);
        var lines = File.Exists(path) ? File.ReadLines(path).Select(Line.Read).ToList() : [];
        int epochs = run.Config.Recipe.Epochs;
        long steps = run.Steps / epochs,
            before = 0;
        var (losses, rates, norms) = (new List<double>(), new List<double>(), new List<double>());
        for (int epoch = 0, i = 0; epoch < epochs; epoch++)
        {
            double sum = 0;
            // a line stands for all steps since the one before
            for (; i < lines.Count && lines[i].Step <= (epoch + 1) * steps; i++)
                (sum, before) = (sum + lines[i].Loss * (lines[i].Step - before), lines[i].Step);
            if (before != (epoch + 1) * steps)
                throw new ArgumentException(
                    $"{path} has no line at step {(epoch + 1) * steps:N0}, where epoch {epoch + 1} "
                        + $"of {epochs} ended, so that its numbers are not known; delete the run (patchkit "
                        + $"runs delete {run.Key}) and train it again."
                );
            losses.Add(Short(sum / steps));
            rates.Add(Short(lines[i - 1].LearningRate));
            norms.Add(Short(lines[i - 1].GradientNorm));
        }
        return new RecordedEpochs(losses, rates, norms);
    }

    private static double Short(double value) =>
        double.Parse(value.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private readonly record struct Line(long Step, double Loss, double LearningRate, double GradientNorm)
    {
        internal static Line Read(string text)
        {
            var line = JsonElement.Parse(text);
            return new(
                line.GetProperty("step").GetInt64(),
                line.GetProperty("loss").GetDouble(),
                line.GetProperty("learningRate").GetDouble(),
                line.GetProperty("gradientNorm").GetDouble()
            );
        }
    }
}
