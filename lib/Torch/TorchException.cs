using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>libtorch refused a call: a wrong shape, dtype, device or argument. The message names the operator and both values.</summary>
/// <param name="message">The sentence that libtorch or the bridge gave, after the operator's name.</param>
public class TorchException(string message) : ExternalException(message);
