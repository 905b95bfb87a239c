using PatchKit.Data;
using PatchKit.Models;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>A model that is ready to score images, as <see cref="ModelOptions"/> asked for it.</summary>
/// <param name="Name">what it was asked for by.</param>
/// <param name="Checkpoint">the file that its weights came from.</param>
/// <param name="Model">in evaluation mode, on its device.</param>
/// <param name="Device">where it is.</param>
/// <param name="Autocast">the precision of matrix products; as the weights where null.</param>
/// <param name="CropRatio">see <see cref="EvalCrop"/>.</param>
/// <param name="Classes">the names of the classes, where a file gave them.</param>
internal sealed record LoadedModel(string Name, string Checkpoint, Backbone Model, Device Device, ScalarType? Autocast, double CropRatio, IReadOnlyList<string>? Classes) : IDisposable
{
    /// <summary>What an image is scored on.</summary>
    internal EvalTransform Transform => new(Model.Config.Height, CropRatio);

    /// <summary>"adventurer-base, 224 x 224 pixels, patch size 1, from best.pth, on cuda in bfloat16".</summary>
    public override string ToString() =>
        $"{Name}, {Model.Config.Height} x {Model.Config.Width} pixels, patch size {Model.Config.PatchSize}, from {Checkpoint}, on {Device}{(Autocast is null ? "" : " in bfloat16")}";

    public void Dispose() => Model.Dispose();
}
