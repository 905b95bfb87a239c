using System.Collections.Concurrent;
using PatchKit.Data.Images;
using PatchKit.Data.Packed;

namespace PatchKit.Data.Sets;

/// <summary>A set that <see cref="DataFolder"/> has opened; dispose it when it has been used.</summary>
public sealed class OpenedData : IDisposable
{
    private const int TellEvery = 64;
    private readonly Lazy<string> _fingerprint;

    internal OpenedData(
        string name,
        IImageSource training,
        IImageSource test,
        int nativeSize,
        Func<string> fingerprint
    ) => (Name, Training, Test, NativeSize, _fingerprint) = (name, training, test, nativeSize, new(fingerprint));

    /// <summary>What the set is, such as "CIFAR-10"; without its path.</summary>
    public string Name { get; }

    /// <summary>The images to learn from.</summary>
    public IImageSource Training { get; }

    /// <summary>The images to report, with the same classes.</summary>
    public IImageSource Test { get; }

    /// <summary>The side of every image in pixels, 0 where sizes differ.</summary>
    public int NativeSize { get; }

    /// <summary>
    /// 16 hexadecimal digits that tell one content from another, wherever the folder lies. Files are read for it that
    /// <see cref="FileHashes"/> has not read since they changed.
    /// </summary>
    /// <exception cref="ImageException">A packed set differs from its checksums.</exception>
    public string Fingerprint => _fingerprint.Value;

    /// <summary>The files of 16 bits a sample that <see cref="Verify"/> met, which are scaled to 8.</summary>
    public IReadOnlyCollection<string> Scaled => _scaled;

    private readonly ConcurrentBag<string> _scaled = [];

    /// <summary>Reads every image, on all cores, and the checksums of packed sets (`patchkit data verify`).</summary>
    /// <param name="progress">told now and then how many images have been read, by one thread at a time.</param>
    /// <param name="cancellation">ends the reading.</param>
    /// <returns>What cannot be read, and why.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public BadSamples Verify(Action<int>? progress = null, CancellationToken cancellation = default)
    {
        var bad = new BadSamples(BadSample.Skip);
        _scaled.Clear();
        int done = 0;
        foreach (var set in new[] { Training, Test })
        {
            Note(() => (set as PackedSet)?.Verify(cancellation));
            Parallel.For(
                0,
                set.Count,
                new ParallelOptions
                {
                    CancellationToken = cancellation,
                    MaxDegreeOfParallelism = Environment.ProcessorCount,
                },
                i =>
                {
                    Note(() =>
                    {
                        using var image = set.Read(i);
                        if (image.SourceBits > 8)
                            _scaled.Add(set.Name(i));
                    });
                    if (Interlocked.Increment(ref done) % TellEvery == 0 && progress is not null)
                        lock (bad)
                            progress(done);
                }
            );
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
