using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CsNotebook.Jupyter;

/// <summary>What a front end writes down for its kernel: where to listen, and the key of the signatures.</summary>
/// <param name="Transport"><c>tcp</c> or <c>ipc</c>.</param>
/// <param name="Ip">the address to listen on; for ipc the beginning of the sockets' paths.</param>
/// <param name="Shell">the shell's port.</param>
/// <param name="Control">the control channel's port.</param>
/// <param name="Iopub">the port where output is published.</param>
/// <param name="Stdin">the port where the user is asked.</param>
/// <param name="Heartbeat">the heartbeat's port.</param>
/// <param name="Key">the key; empty for messages without signatures.</param>
internal sealed record ConnectionFile(
    string Transport,
    string Ip,
    int Shell,
    int Control,
    int Iopub,
    int Stdin,
    int Heartbeat,
    string Key
)
{
    /// <summary>Reads a connection file.</summary>
    /// <exception cref="InvalidDataException">It is not one, or asks for what is not known here.</exception>
    public static ConnectionFile Load(string path)
    {
        try
        {
            var json = JsonNode.Parse(File.ReadAllText(path))!;
            string scheme = (string?)json["signature_scheme"] ?? "hmac-sha256";
            if (scheme != "hmac-sha256")
                throw new InvalidDataException(
                    $"{path} asks for signatures by {scheme}; this kernel signs by hmac-sha256."
                );
            string transport = (string?)json["transport"] ?? "tcp";
            if (transport is not ("tcp" or "ipc"))
                throw new InvalidDataException(
                    $"{path} asks for the transport {transport}; this kernel has tcp and ipc."
                );
            return new(
                transport,
                Text("ip"),
                Port("shell_port"),
                Port("control_port"),
                Port("iopub_port"),
                Port("stdin_port"),
                Port("hb_port"),
                Text("key")
            );

            string Text(string name) => (string?)json[name] ?? throw Missing(name);
            int Port(string name) => (int?)json[name] ?? throw Missing(name);
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            throw new InvalidDataException($"{path} is not a Jupyter connection file: {e.Message}", e);
        }

        InvalidDataException Missing(string name) => new($"{path} is not a Jupyter connection file: it has no {name}.");
    }

    /// <summary>Writes it, as a front end does.</summary>
    public void Save(string path) =>
        File.WriteAllText(
            path,
            new JsonObject
            {
                ["transport"] = Transport,
                ["ip"] = Ip,
                ["shell_port"] = Shell,
                ["control_port"] = Control,
                ["iopub_port"] = Iopub,
                ["stdin_port"] = Stdin,
                ["hb_port"] = Heartbeat,
                ["key"] = Key,
                ["signature_scheme"] = "hmac-sha256",
            }.ToJsonString()
        );

    /// <summary>The place that a port stands for.</summary>
    /// <exception cref="InvalidDataException">The address cannot be resolved.</exception>
    public EndPoint EndPoint(int port)
    {
        if (Transport == "ipc")
            return new UnixDomainSocketEndPoint($"{Ip}-{port}");
        try
        {
            return new IPEndPoint(
                Ip == "*" ? IPAddress.Any
                    : IPAddress.TryParse(Ip, out var address) ? address
                    : Dns.GetHostAddresses(Ip)[0],
                port
            );
        }
        catch (SocketException e)
        {
            throw new InvalidDataException(
                $"The connection file's ip, {Ip}, is no address of this machine: {e.Message}.",
                e
            );
        }
    }
}
