namespace PatchKit.Models;

/// <summary>How a model's weights are drawn.</summary>
public enum WeightInit
{
    /// <summary>As the official code draws them, for long training of wide nets.</summary>
    Official,

    /// <summary>
    /// Scaled with fan-in, positions from sines and cosines: for short training of small nets (<see cref="SmallNet"/>).
    /// </summary>
    FanIn,
}
