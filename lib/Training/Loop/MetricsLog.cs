using System.Globalization;
using System.Text;
using PatchKit.Training.Runs;

namespace PatchKit.Training.Loop;

/// <summary>
/// The training curve as JSON lines: step, epoch, mean loss since the last line, learning rate, gradient norm. No line
/// has steps of two epochs. Nothing in it depends on the clock: the same seed gives the same file, interrupted or not.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    internal const string FileName = "metrics.jsonl";
    private readonly string _path;
    private readonly long _every;
    private FileStream? _file;
    private double _loss;
    private int _count;

    internal MetricsLog(string path, long every) => (_path, _every) = (path, every);

    /// <summary>Opens the file; what was written after a saved mark is cut off.</summary>
    internal void Begin(MetricsMark? mark)
    {
        _file?.Dispose();
        RunFile.Put(
            _path,
            () => _file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0)
        );
        long keep = mark?.Bytes ?? 0;
        if (_file!.Length < keep)
            throw new TrainingException(
                $"{_path} has {_file.Length} bytes, but the checkpoint beside it was written after {keep}; "
                    + "it was changed, so delete the run and train again."
            );
        _file.SetLength(keep);
        _file.Position = keep;
        (_loss, _count) = (mark?.Loss ?? 0, mark?.Count ?? 0);
    }

    internal void Add(long step, int epoch, double loss, double rate, double norm, bool endsEpoch)
    {
        (_loss, _count) = (_loss + loss, _count + 1);
        if (step % _every != 0 && !endsEpoch)
            return;
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"step":{{step}},"epoch":{{epoch}},"loss":{{_loss / _count:R}}"""
                + $$""","learningRate":{{rate:R}},"gradientNorm":{{norm:R}}}"""
        );
        RunFile.Put(_path, () => _file!.Write(Encoding.UTF8.GetBytes(line + "\n")));
        (_loss, _count) = (0, 0);
    }

    /// <summary>Puts what was written on disk, and says where it ends.</summary>
    internal MetricsMark Flushed()
    {
        RunFile.Put(_path, () => _file!.Flush(flushToDisk: true));
        return new MetricsMark(_file!.Length, _loss, _count);
    }

    public void Dispose() => _file?.Dispose();
}

/// <summary>A place in the metrics' file, and the sums of the line that comes next.</summary>
/// <param name="Bytes">the file's length.</param>
/// <param name="Loss">the sum of the losses since the last line.</param>
/// <param name="Count">how many there are.</param>
internal readonly record struct MetricsMark(long Bytes, double Loss, int Count);
