using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Models;
using PatchKit.Training;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>A model that is ready to score images, as <see cref="ModelOptions"/> asked for it.</summary>
/// <param name="Name">what it was asked for by.</param>
/// <param name="Checkpoint">the file that its weights came from.</param>
/// <param name="Model">in evaluation mode, on its device.</param>
/// <param name="Device">where it is.</param>
/// <param name="Autocast">the precision of matrix products; as the weights where null.</param>
/// <param name="CropRatio">see <see cref="EvalCrop"/>.</param>
/// <param name="Decoding">how files are decoded.</param>
/// <param name="Data">what the model learnt from, where its configuration is a run's.</param>
/// <param name="Listed">the names of the classes, where a file gave them.</param>
internal sealed record LoadedModel(
    string Name,
    string Checkpoint,
    Backbone Model,
    Device Device,
    ScalarType? Autocast,
    double CropRatio,
    DecodeOptions Decoding,
    DataConfig? Data,
    IReadOnlyList<string>? Listed
) : IDisposable
{
    /// <summary>What an image is scored on.</summary>
    internal EvalTransform Transform =>
        new(Model.Config.Height, CropRatio) { Normalization = Data?.Normalization ?? Normalization.ImageNet };

    /// <summary>
    /// The names of the classes in the order of the scores, where a file or the run that trained the model says them.
    /// </summary>
    internal IReadOnlyList<string>? Classes => Listed ?? (Data as ImageDataConfig)?.Names;

    /// <summary>"adventurer-base, 224 x 224 pixels, patch size 1, from best.pth, on cuda in bfloat16".</summary>
    public override string ToString() =>
        $"{Name}, {Model.Config.Height} x {Model.Config.Width} pixels, patch size {Model.Config.PatchSize}, "
        + $"from {Checkpoint}, on {Device}{(Autocast is null ? "" : " in bfloat16")}"
        + $"{(Decoding.Upright ? "" : ", EXIF orientations ignored")}";

    public void Dispose() => Model.Dispose();
}
