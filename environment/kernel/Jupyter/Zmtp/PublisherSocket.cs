using System.Net;

namespace CsNotebook.Jupyter.Zmtp;

/// <summary>PUB: sends to all peers that have subscribed to a beginning of the message's first frame.</summary>
/// <param name="where">where to listen.</param>
/// <param name="log">receives what went wrong.</param>
internal sealed class PublisherSocket(EndPoint where, Action<string> log)
    : ZmtpSocket("PUB", ["SUB", "XSUB"], where, log)
{
    /// <summary>Sends a message to its subscribers; none is no failure.</summary>
    public void Send(byte[][] message)
    {
        foreach (var peer in Peers)
        {
            bool wanted;
            lock (peer.Topics)
                wanted = peer.Topics.Exists(t => message[0].AsSpan().StartsWith(t));
            if (wanted)
                Post(peer, message);
        }
    }

    /// <summary>A subscription is a 1 and the topic, its end a 0 and the topic.</summary>
    protected override void Received(ZmtpPeer peer, byte[][] message)
    {
        if (message is not [[var wish, .. var topic]])
            return;
        lock (peer.Topics)
        {
            if (wish == 1)
                peer.Topics.Add(topic);
            else if (wish == 0 && peer.Topics.FindIndex(t => t.AsSpan().SequenceEqual(topic)) is >= 0 and var at)
                peer.Topics.RemoveAt(at);
        }
    }
}
