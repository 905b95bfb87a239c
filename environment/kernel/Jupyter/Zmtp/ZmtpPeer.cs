namespace CsNotebook.Jupyter.Zmtp;

/// <summary>A peer of a <see cref="ZmtpSocket"/>: its connection and what waits for it.</summary>
internal sealed class ZmtpPeer(ZmtpConnection connection, byte[] identity, Outbox outbox) : IDisposable
{
    /// <summary>The peer's own identity, or one that was given to it.</summary>
    public byte[] Identity => identity;

    /// <summary>What waits to be sent to it.</summary>
    public Outbox Outbox => outbox;

    /// <summary>Its connection.</summary>
    public ZmtpConnection Connection => connection;

    /// <summary>The topics it has subscribed to, each as often as it did.</summary>
    public List<byte[]> Topics { get; } = [];

    /// <summary>Sends what is put into the outbox, until that is closed or the peer has gone.</summary>
    public void Write()
    {
        try
        {
            while (outbox.Next() is { } message)
            {
                connection.Send(message);
                outbox.Sent(message);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The reading side notices as well and takes the peer out.
            Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        outbox.Dispose();
        connection.Dispose();
    }
}
