using PatchKit.Experiments;
using PatchKit.Experiments.Reports;
using PatchKit.Training.Runs;

namespace PatchKit.Tests.Experiments;

/// <summary>One cache for all experiments at `smoke`, so that a run that several need is trained once.</summary>
public sealed class SmokeRuns : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-smoke-").FullName;

    internal RunStore Store => new(_folder);

    internal Report Run(string name, ExperimentOptions? options = null) =>
        new ExperimentRunner(Store).Run(
            ExperimentBook.Find(name),
            (options ?? new()) with
            {
                Scale = Scale.Smoke,
                FirstSeed = 1,
            },
            cancellation: Xunit.TestContext.Current.CancellationToken
        );

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
