using System.Net;
using System.Net.Sockets;

namespace PatchKit.Tests.Torch.Distributed;

/// <summary>Ports of this machine.</summary>
internal static class Ports
{
    /// <summary>One that nobody uses now.</summary>
    internal static int Free()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
