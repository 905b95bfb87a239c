using PatchKit.Torch.Calls;

namespace PatchKit.Torch;

/// <content>Native loops that can be stopped.</content>
public static partial class Engine
{
    private static readonly HashSet<StopScope> Stops = [];

    /// <summary>
    /// Makes a cancelled token end the fused operator that is running, within a tile's time: it throws
    /// <see cref="OperationCanceledException"/>. Dispose the result when the work is over.
    /// </summary>
    public static IDisposable StopOn(CancellationToken token) => new StopScope(token);

    private sealed class StopScope : IDisposable
    {
        private readonly CancellationTokenRegistration _registration;

        internal StopScope(CancellationToken token) =>
            _registration = token.Register(() => Change(() => Stops.Add(this)));

        public void Dispose()
        {
            _registration.Dispose();
            Change(() => Stops.Remove(this));
        }

        // A stop holds until the last scope that asked for one is over.
        private static void Change(Action change)
        {
            lock (Stops)
            {
                change();
                Kernels.RequestStop(Stops.Count > 0);
            }
        }
    }
}
