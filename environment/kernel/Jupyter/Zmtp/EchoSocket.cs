using System.Net;

namespace CsNotebook.Jupyter.Zmtp;

/// <summary>REP that answers each request with itself: the heartbeat.</summary>
/// <param name="where">where to listen.</param>
/// <param name="log">receives what went wrong.</param>
internal sealed class EchoSocket(EndPoint where, Action<string> log) : ZmtpSocket("REP", ["REQ", "DEALER"], where, log)
{
    /// <inheritdoc/>
    protected override void Received(ZmtpPeer peer, byte[][] message) => Post(peer, message);
}
