using System.Text.Json.Serialization;
using PatchKit.Models;
using PatchKit.Training;

namespace PatchKit.Experiments.Planning;

/// <summary>What one training step took on a machine.</summary>
/// <param name="Model">the model.</param>
/// <param name="Batch">images in the step.</param>
/// <param name="Seconds">of the fastest step, which other work on the machine disturbed least.</param>
/// <param name="Slowest">seconds of the slowest.</param>
/// <param name="Steps">how many were timed.</param>
/// <param name="PeakBytes">held at the peak of the forward and backward pass beyond parameters, gradients, optimizer
/// and images; null where the device does not say.</param>
/// <param name="Machine">where.</param>
/// <param name="Commit">the code's.</param>
/// <param name="Date">when, UTC.</param>
/// <param name="Rounds">seconds of the fastest step of each part, where the steps are cut into equal parts one after
/// the other: what a verdict pairs, as it pairs seeds. Null in measurements from before there were any.</param>
public sealed record StepCost(
    BackboneConfig Model,
    int Batch,
    double Seconds,
    double Slowest,
    int Steps,
    long? PeakBytes,
    Machine Machine,
    string Commit,
    DateTime Date,
    IReadOnlyList<double>? Rounds = null
)
{
    /// <summary>Seconds for each image.</summary>
    [JsonIgnore]
    public double PerImage => Seconds / Batch;

    /// <summary>Bytes for each image.</summary>
    [JsonIgnore]
    public double? BytesPerImage => (double?)PeakBytes / Batch;
}
