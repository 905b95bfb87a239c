using System.Text.Json.Serialization;
using PatchKit.Models;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>
/// What a run's model is trained for. A run without one classifies (<see cref="ClassificationTask"/>), and its key is
/// what it was before there were others. A task of its own is named here, so that a run's configuration can be read
/// again; it is cached, resumed and listed as classification is.
/// </summary>
[JsonDerivedType(typeof(SegmentationTask), "segmentation"), JsonDerivedType(typeof(DetectionTask), "detection")]
public abstract record TaskConfig
{
    /// <summary>What a line about a run calls it, such as "segmentation, linear".</summary>
    public abstract string Title { get; }

    /// <summary>Makes the model, in training mode on the CPU, its weights drawn from the default generator.</summary>
    /// <param name="config">the run.</param>
    /// <param name="data">what it learns from, opened.</param>
    /// <exception cref="ArgumentException">The model does not go with the task.</exception>
    /// <exception cref="TrainingException">The model does not fit the data.</exception>
    public abstract TaskRun Begin(RunConfig config, TrainingData data);

    /// <summary>Multiply-accumulates of one image's forward pass.</summary>
    /// <param name="model">the run's backbone.</param>
    public virtual double Macs(BackboneConfig model) => model.Cost().Macs;
}
