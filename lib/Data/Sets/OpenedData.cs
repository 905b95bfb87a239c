namespace PatchKit.Data;

/// <summary>A set that <see cref="DataFolder"/> has opened; dispose it when it has been used.</summary>
/// <param name="Name">what the set is, such as "CIFAR-10"; without its path.</param>
/// <param name="Training">the images to learn from.</param>
/// <param name="Test">the images to report, with the same classes.</param>
/// <param name="NativeSize">the side of every image in pixels, 0 where sizes differ.</param>
/// <param name="Fingerprint">16 hexadecimal digits that tell one content from another, wherever the folder lies.</param>
public sealed record OpenedData(string Name, IImageSource Training, IImageSource Test, int NativeSize, string Fingerprint) : IDisposable
{
    private const int TellEvery = 64;

    /// <summary>Reads every image, on all cores, and the checksums of packed sets (`patchkit data verify`).</summary>
    /// <param name="progress">told now and then how many images have been read, by one thread at a time.</param>
    /// <param name="cancellation">ends the reading.</param>
    /// <returns>What cannot be read, and why.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public BadSamples Verify(Action<int>? progress = null, CancellationToken cancellation = default)
    {
        var bad = new BadSamples(BadSample.Skip);
        int done = 0;
        foreach (var set in new[] { Training, Test })
        {
            Note(() => (set as PackedSet)?.Verify(cancellation));
            Parallel.For(0, set.Count, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
            {
                Note(() => set.Read(i).Dispose());
                if (Interlocked.Increment(ref done) % TellEvery == 0 && progress is not null) lock (bad) progress(done);
            });
        }
        return bad;

        void Note(Action read)
        {
            try
            {
                read();
            }
            catch (ImageException e)
            {
                bad.Report(e);
            }
        }
    }

    /// <summary>Unmaps what was mapped.</summary>
    public void Dispose()
    {
        (Training as IDisposable)?.Dispose();
        (Test as IDisposable)?.Dispose();
    }
}
