using System.Runtime.ExceptionServices;

namespace PatchKit.Torch.Distributed;

/// <summary>A collective under way on its group's thread.</summary>
/// <param name="work">computes it; it waits for the other ranks.</param>
/// <param name="lost">cancelled when a rank is gone.</param>
internal sealed class Collective(Action work, CancellationToken lost)
{
    private readonly ManualResetEventSlim _done = new();
    private ExceptionDispatchInfo? _failure;
    private Action? _then;

    /// <summary>Computes it.</summary>
    internal void Run()
    {
        try
        {
            work();
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
        _done.Set();
    }

    /// <summary>What is to be done by the thread that first waits for it, after it.</summary>
    internal Collective Then(Action then)
    {
        _then = then;
        return this;
    }

    /// <summary>Waits for it.</summary>
    /// <exception cref="IOException">It failed, or the wait was given up because a rank is gone; it may then still be
    /// under way.</exception>
    internal void Wait()
    {
        try
        {
            _done.Wait(lost);
        }
        catch (OperationCanceledException e)
        {
            throw new IOException("the wait for the other ranks was given up", e);
        }
        _failure?.Throw();
        Interlocked.Exchange(ref _then, null)?.Invoke();
    }
}
