namespace PatchKit.Checkpoints;

/// <summary>
/// What opening a file may allocate: twice its size, and 4 MiB for small ones. Storages are charged once each when they
/// are declared, objects as they are made, so that neither a length field nor a pickle of nested lists can ask for more
/// memory than the file gives reason for.
/// </summary>
internal sealed class Allowance(string path, long fileBytes)
{
    private const long Floor = 4L << 20;

    private readonly long _limit = 2 * fileBytes + Floor;
    private long _spent;

    /// <summary>Counts bytes that are about to be allocated.</summary>
    /// <exception cref="CheckpointException">The file asks for more than its size allows.</exception>
    internal void Charge(long bytes)
    {
        if (bytes >= 0 && bytes <= _limit - _spent)
            _spent += bytes;
        else
            throw new CheckpointException(
                path,
                $"describes more than {_limit:N0} bytes of objects and tensors, over twice its "
                    + $"own {fileBytes:N0} bytes, as no checkpoint does; "
                    + "if you trust it, save it again with only its tensors: torch.save(checkpoint[\"model\"], ...)."
            );
    }

    /// <summary>Makes room for more elements in a list, as a list itself would, but counted.</summary>
    internal void Grow<T>(List<T> list, int more)
    {
        int wanted = list.Count + more;
        if (wanted <= list.Capacity)
            return;
        int capacity = Math.Max(Math.Max(wanted, 4), (int)Math.Min(2L * list.Capacity, Array.MaxLength));
        Charge(24 + 8L * capacity);
        list.Capacity = capacity;
    }

    /// <summary>Whether a tensor may have so many bytes: views can make many of few.</summary>
    internal bool IsPlausible(long bytes) => bytes <= _limit;
}
