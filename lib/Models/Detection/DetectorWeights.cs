using PatchKit.Checkpoints;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>The weights of a whole detector in a file.</summary>
public static class DetectorWeights
{
    /// <summary>Loads all weights; none is changed unless all fit.</summary>
    /// <param name="detector">the detector.</param>
    /// <param name="path">a .safetensors file, such as a run's model.safetensors.</param>
    /// <exception cref="CheckpointException">The file cannot be read, or is of another detector.</exception>
    public static void Load(CascadeMaskRcnn detector, string path)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var found = Safetensors.Read(path);
        var own = detector.state_dict();
        foreach (var (name, value) in own)
            if (!found.TryGetValue(name, out var saved) || !saved.shape.SequenceEqual(value.shape))
                throw new CheckpointException(
                    path,
                    $"has no {name} of shape [{string.Join(", ", value.shape)}]; it is of another detector, "
                        + "so make this one by the configuration beside it."
                );
        foreach (string name in found.Keys)
            if (!own.ContainsKey(name))
                throw new CheckpointException(
                    path,
                    $"holds {name}, which the detector has not; make it by the configuration beside the file."
                );
        foreach (var (name, value) in own)
            value.copy_(found[name]);
    }
}
