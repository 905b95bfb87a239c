using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <content>Random numbers.</content>
public static partial class Engine
{
    /// <summary>
    /// Seeds the default generators of the CPU and of all GPUs; TorchSharp's <c>manual_seed</c> seeds the CPU's alone.
    /// </summary>
    /// <param name="seed">any number.</param>
    public static void Seed(long seed)
    {
        manual_seed(seed).Dispose();
        if (cuda.is_available())
            cuda.manual_seed_all(seed);
    }

    /// <summary>
    /// Draws what follows from a seed, until disposed; then the default generators go on from where they were.
    /// </summary>
    /// <param name="device">that numbers are drawn on.</param>
    /// <param name="seed">any number.</param>
    internal static IDisposable Seeded(Device device, long seed)
    {
        var fork = new ForkedRandom(device);
        RandomState.Seed(device, seed);
        return fork;
    }

    private sealed class ForkedRandom(Device device) : IDisposable
    {
        private readonly Tensor[] _before = Array.ConvertAll(
            RandomState.Of(device),
            state => state.DetachFromDisposeScope()
        );

        public void Dispose()
        {
            RandomState.Set(device, _before);
            foreach (var state in _before)
                state.Dispose();
        }
    }
}
