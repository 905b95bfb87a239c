namespace CsNotebook.Tests.Jupyter;

/// <summary>A transport whose incoming bytes are given, a few at a time, and whose outgoing ones are kept.</summary>
internal sealed class ScriptedStream(byte[] incoming, int atMost) : Stream
{
    private int at;

    public MemoryStream Outgoing { get; } = new();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int count = Math.Min(Math.Min(atMost, buffer.Length), incoming.Length - at);
        incoming.AsSpan(at, count).CopyTo(buffer);
        at += count;
        return count;
    }

    public override void Write(byte[] buffer, int offset, int count) => Outgoing.Write(buffer, offset, count);

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
