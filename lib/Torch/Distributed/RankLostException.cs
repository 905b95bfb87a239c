namespace PatchKit.Torch.Distributed;

/// <summary>
/// Another process of the group is gone or has failed, so that this one cannot go on; the message names it as far as
/// can be told.
/// </summary>
public sealed class RankLostException : Exception
{
    /// <summary>Another process is gone.</summary>
    public RankLostException(string message, Exception? inner = null)
        : base(message, inner) { }
}
