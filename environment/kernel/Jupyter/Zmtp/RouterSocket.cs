using System.Net;

namespace CsNotebook.Jupyter.Zmtp;

/// <summary>
/// ROUTER: what a peer sends arrives with its identity as the first frame, and what is sent goes to the peer that the
/// first frame names. Of two peers with one identity the newer is meant: a front end that lost its connection has come
/// back.
/// </summary>
/// <param name="where">where to listen.</param>
/// <param name="received">takes each message; called on the threads of the peers.</param>
/// <param name="log">receives what went wrong.</param>
internal sealed class RouterSocket(EndPoint where, Action<byte[][]> received, Action<string> log)
    : ZmtpSocket("ROUTER", ["DEALER", "REQ", "ROUTER"], where, log)
{
    /// <summary>Sends a message; false when no such peer is connected.</summary>
    public bool Send(byte[][] message)
    {
        var peer = Peers.LastOrDefault(p => p.Identity.AsSpan().SequenceEqual(message[0]));
        if (peer is not null)
            Post(peer, message[1..]);
        return peer is not null;
    }

    /// <inheritdoc/>
    protected override void Received(ZmtpPeer peer, byte[][] message) => received([peer.Identity, .. message]);
}
