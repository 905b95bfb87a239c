using static TorchSharp.torch;

namespace PatchKit.Checkpoints;

/// <summary>A run of elements of one dtype in a file, which one tensor or several view.</summary>
internal sealed class CheckpointStorage(MappedFile file, string name, ScalarType dtype, long count)
{
    // Tensor.bytes is a Span, which ends at 2 GiB.
    private const long Piece = 1L << 30;

    private bool _verified;

    internal string Name => name;

    internal ScalarType DType => dtype;

    internal long Count => count;

    internal long Bytes => count * ElementTypes.Size(dtype);

    /// <summary>
    /// Where the elements begin in the file; the older stream tells it only after the pickle has been read.
    /// </summary>
    internal long? Start { get; set; }

    /// <summary>What the file says the checksum is, where it says so.</summary>
    internal uint? Checksum { get; init; }

    /// <summary>A copy of a run of elements: a vector.</summary>
    /// <exception cref="CheckpointException">The file is cut short or damaged there.</exception>
    internal Tensor Read(long first, long length)
    {
        Verify();
        int size = ElementTypes.Size(dtype);
        var vector = empty([length], dtype);
        try
        {
            for (long done = 0; done < length; done += Piece / size)
            {
                long now = Math.Min(Piece / size, length - done);
                using var window = Look((first + done) * size, now * size);
                using var piece = vector.narrow(0, done, now);
                if (dtype == ScalarType.Bool)
                    ExpectBooleans(window.Bytes);
                window.Bytes.CopyTo(piece.bytes);
            }
        }
        catch
        {
            vector.Dispose();
            throw;
        }
        return vector;
    }

    private MappedFile.Window Look(long offset, long bytes) =>
        file.Look(
            (
                Start
                ?? throw new CheckpointException(
                    file.Path,
                    $"does not say where storage {Words.Safe(name)} lies; it is damaged."
                )
            ) + offset,
            bytes,
            $"storage {Words.Safe(name)}"
        );

    private void Verify()
    {
        if (_verified || Checksum is not { } wanted)
            return;
        uint found = 0;
        for (long done = 0; done < Bytes; done += Piece)
        {
            using var window = Look(done, Math.Min(Piece, Bytes - done));
            found = Crc32.Append(found, window.Bytes);
        }
        if (found != wanted)
            throw new CheckpointException(
                file.Path,
                $"has storage {Words.Safe(name)} with checksum {found:x8} where its directory "
                    + $"says {wanted:x8}; it is damaged, so download it again. "
                    + "(If torch.serialization.set_crc32_options(False) saved it, open it with verify: false, "
                    + "or --no-verify.)"
            );
        _verified = true;
    }

    // libtorch's operators count on a boolean's byte being 0 or 1.
    private void ExpectBooleans(ReadOnlySpan<byte> bytes)
    {
        int at = bytes.IndexOfAnyExceptInRange((byte)0, (byte)1);
        if (at >= 0)
            throw new CheckpointException(
                file.Path,
                $"holds {bytes[at]} among the booleans of storage {Words.Safe(name)}, where 0 or 1 belongs; "
                    + "it is damaged."
            );
    }
}
