namespace CsNotebook.Jupyter.Zmtp;

/// <summary>A peer that does not speak ZMTP 3, or not to this socket: its connection is dropped.</summary>
internal sealed class ZmtpException(string message) : IOException(message);
