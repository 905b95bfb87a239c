namespace PatchKit.Training;

/// <summary>
/// The host's stop button. A notebook kernel publishes a token under a name in <see cref="AppContext"/>, so that long
/// work ends when a cell is stopped, although neither side knows the other.
/// </summary>
public static class Cancellation
{
    /// <summary>The name under which the host publishes its <see cref="CancellationToken"/>.</summary>
    public const string HostKey = "csnotebook.cancellation";

    /// <summary>The token given, or the host's where none was.</summary>
    public static CancellationToken OrHost(CancellationToken token) =>
        !token.CanBeCanceled && AppContext.GetData(HostKey) is CancellationToken host ? host : token;
}
