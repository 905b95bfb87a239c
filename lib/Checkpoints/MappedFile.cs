using System.IO.MemoryMappedFiles;

namespace PatchKit.Checkpoints;

/// <summary>
/// A file read through memory: pages come from disk when they are looked at, and no copy of the file is kept.
/// </summary>
internal sealed class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;

    private MappedFile(string path, long length, MemoryMappedFile map)
    {
        (Path, Length, _map) = (path, length, map);
        _view = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
    }

    internal string Path { get; }

    internal long Length { get; }

    /// <exception cref="CheckpointException">There is no such file, it is empty, or it may not be read.</exception>
    internal static MappedFile Open(string path)
    {
        try
        {
            var stream = new FileStream(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.Read | FileShare.Delete,
                bufferSize: 0
            );
            long length = stream.Length;
            if (length == 0)
            {
                stream.Dispose();
                throw new CheckpointException(path, "is empty (0 bytes); download or save it again.");
            }
            return new MappedFile(
                path,
                length,
                MemoryMappedFile.CreateFromFile(
                    stream,
                    null,
                    0,
                    MemoryMappedFileAccess.Read,
                    HandleInheritability.None,
                    leaveOpen: false
                )
            );
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException(path, "does not exist; check the path.", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException and not CheckpointException)
        {
            throw new CheckpointException(
                path,
                Directory.Exists(path) ? "is a folder; name a file in it." : $"cannot be read: {e.Message}",
                e
            );
        }
    }

    /// <summary>Some bytes of the file; dispose it when they have been read.</summary>
    /// <exception cref="CheckpointException">The file ends before them.</exception>
    internal Window Look(long offset, long length, string what)
    {
        if (offset < 0 || length < 0 || offset > Length || length > Length - offset)
            throw new CheckpointException(
                Path,
                $"ends at byte {Length:N0}, before the {length:N0} bytes of {what} that should begin at "
                    + $"byte {offset:N0}; it is cut short or damaged, so download or save it again."
            );
        if (length > int.MaxValue)
            throw new CheckpointException(
                Path,
                $"has {length:N0} bytes of {what}, more than the {int.MaxValue:N0} that can be read as one; "
                    + "it is damaged."
            );
        return new Window(_view, offset, (int)length);
    }

    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }

    /// <summary>Bytes of a mapped file, which stays mapped until this is disposed.</summary>
    internal readonly unsafe ref struct Window
    {
        private readonly MemoryMappedViewAccessor _view;

        internal Window(MemoryMappedViewAccessor view, long offset, int length)
        {
            _view = view;
            byte* start = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            Bytes = new ReadOnlySpan<byte>(start + view.PointerOffset + offset, length);
        }

        internal ReadOnlySpan<byte> Bytes { get; }

        public void Dispose() => _view.SafeMemoryMappedViewHandle.ReleasePointer();
    }
}
