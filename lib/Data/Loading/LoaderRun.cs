using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;

namespace PatchKit.Data.Loading;

/// <summary>
/// The threads and buffers of one epoch, for one rank's share of its batches. Samples are handed out one by one in
/// order, for at most Prefetch batches at a time.
/// </summary>
internal sealed class LoaderRun : IDisposable
{
    private readonly IImageSource _source;
    private readonly IImageTransform _transform;
    private readonly ImageLoaderOptions _options;
    private readonly BadSamples _bad;
    private readonly int[] _order,
        _places;
    private readonly long _epoch;
    private readonly int _end,
        _numbers,
        _size;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenRegistration _registration;
    private readonly object _gate = new();
    private readonly Filled[] _ring;
    private readonly Thread[] _threads;
    private int _nextPosition,
        _nextBatch,
        _released;
    private bool _stopped;

    internal LoaderRun(
        IImageSource source,
        IImageTransform transform,
        ImageLoaderOptions options,
        BadSamples bad,
        int[] order,
        long epoch,
        int firstBatch,
        int batches,
        CancellationToken cancellation
    )
    {
        (_source, _transform, _options, _bad, _order, _epoch, _cancellation) = (
            source,
            transform,
            options,
            bad,
            order,
            epoch,
            cancellation
        );
        _numbers = 3 * transform.Size * transform.Size;
        _places = options.Share.Places(options.BatchSize);
        _size = _places.Length;
        (_nextBatch, _released) = (firstBatch, firstBatch);
        _end = (int)Math.Min((long)batches * _size, order.Length);
        _nextPosition = (int)Math.Min((long)firstBatch * _size, _end);
        _ring = new Filled[Math.Min(options.Prefetch, Math.Max(batches - firstBatch, 1))];
        for (int i = 0; i < _ring.Length; i++)
            _ring[i] = new Filled(_size, _numbers);
        for (int batch = firstBatch; batch < Math.Min(batches, firstBatch + _ring.Length); batch++)
            Begin(batch);
        _registration = cancellation.Register(Wake);
        _threads = new Thread[Math.Min(options.Threads, Math.Max(_end - _nextPosition, 0))];
        for (int i = 0; i < _threads.Length; i++)
        {
            _threads[i] = new Thread(Work) { IsBackground = true, Name = $"images {i}" };
            _threads[i].Start();
        }
    }

    /// <summary>
    /// The next batch when all of its samples are there, or null at the end; give it back by <see cref="Release"/>.
    /// </summary>
    internal Filled? Next()
    {
        Filled filled;
        lock (_gate)
        {
            _cancellation.ThrowIfCancellationRequested();
            if ((long)_nextBatch * _size >= _end)
                return null;
            filled = _ring[_nextBatch % _ring.Length];
            while (filled.Missing > 0)
            {
                Monitor.Wait(_gate);
                _cancellation.ThrowIfCancellationRequested();
            }
            _nextBatch++;
        }
        Settle(filled);
        return filled;
    }

    /// <summary>Lets the batch's buffers be filled again.</summary>
    internal void Release(Filled filled)
    {
        lock (_gate)
        {
            int next = _released + _ring.Length;
            _released++;
            if ((long)next * _size < _end)
                Begin(next);
            Monitor.PulseAll(_gate);
        }
    }

    public void Dispose()
    {
        _registration.Dispose();
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
        foreach (var thread in _threads)
            thread.Join();
    }

    private void Begin(int batch) => _ring[batch % _ring.Length].Begin(Math.Min(_size, _end - batch * _size));

    private void Wake()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    private void Work()
    {
        while (Take() is { } position)
        {
            int batch = position / _size,
                place = position % _size,
                inEpoch = batch * _options.BatchSize + _places[place];
            var filled = _ring[batch % _ring.Length];
            Exception? failure = null;
            try
            {
                int index = _order[inEpoch];
                filled.Labels[place] = _source.Label(index);
                using var image = _source.Read(index);
                var random = new SampleRandom(_options.Seed, _epoch, inEpoch);
                _transform.Apply(image, filled.Planes.AsSpan(place * _numbers, _numbers), ref random);
            }
            catch (ArgumentException e)
            {
                failure = new ImageException(_source.Name(_order[inEpoch]), $"cannot be augmented: {e.Message}", e);
            }
            catch (Exception e)
            {
                failure = e;
            }
            lock (_gate)
            {
                filled.Failures[place] = failure;
                if (--filled.Missing == 0)
                    Monitor.PulseAll(_gate);
            }
        }
    }

    // The next sample, once its batch has a buffer; null at the end.
    private int? Take()
    {
        lock (_gate)
        {
            while (true)
            {
                if (_stopped || _cancellation.IsCancellationRequested || _nextPosition >= _end)
                    return null;
                if (_nextPosition / _size < _released + _ring.Length)
                    return _nextPosition++;
                Monitor.Wait(_gate);
            }
        }
    }

    // Reports samples that failed in the epoch's order, and fills or closes their places.
    private void Settle(Filled filled)
    {
        int good = 0;
        for (int place = 0; place < filled.Count; place++)
        {
            if (filled.Failures[place] is not { } failure)
                good++;
            else if (failure is ImageException bad)
                _bad.Report(bad);
            else
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
        if (good == filled.Count)
            return;
        // A batch of which no image can be read is passed over, but the other ranks, whose shares are good, would not
        // know.
        if (good == 0 && _options.Share.Ranks > 1)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(filled.Failures[0]!);
        if (good == 0 || !_options.FillGaps)
        {
            int to = 0;
            for (int place = 0; place < filled.Count; place++)
                if (filled.Failures[place] is null)
                    filled.Copy(place, to++, _numbers);
            filled.Count = good;
            return;
        }
        for (int place = 0; place < filled.Count; place++)
        {
            if (filled.Failures[place] is null)
                continue;
            int from = place;
            while (filled.Failures[from] is not null)
                from = (from + 1) % filled.Count;
            filled.Copy(from, place, _numbers);
        }
    }

    /// <summary>One batch's memory.</summary>
    internal sealed class Filled(int size, int numbers)
    {
        internal readonly float[] Planes = new float[checked(size * numbers)];
        internal readonly long[] Labels = new long[size];
        internal readonly Exception?[] Failures = new Exception?[size];
        internal int Count,
            Missing;

        internal void Begin(int count)
        {
            (Count, Missing) = (count, count);
            Array.Clear(Failures);
        }

        internal void Copy(int from, int to, int numbers)
        {
            if (from == to)
                return;
            Planes.AsSpan(from * numbers, numbers).CopyTo(Planes.AsSpan(to * numbers));
            Labels[to] = Labels[from];
        }
    }
}
