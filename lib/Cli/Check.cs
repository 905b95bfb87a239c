namespace PatchKit.Cli;

/// <summary>How a part of the installation stands.</summary>
public enum Standing
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It works, slower or with less than it could have.</summary>
    Degraded,

    /// <summary>It does not work.</summary>
    Broken,
}

/// <summary>One line of `patchkit doctor`.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="Standing">How it stands.</param>
/// <param name="Found">What was found.</param>
/// <param name="Fix">What to do about it, as a sentence; empty when there is nothing to do.</param>
public sealed record Check(string Name, Standing Standing, string Found, string Fix = "")
{
    internal static Check Ok(string name, string found) => new(name, Standing.Ok, found);

    internal static Check Degraded(string name, string found, string fix = "") =>
        new(name, Standing.Degraded, found, fix);

    internal static Check Broken(string name, string found, string fix) => new(name, Standing.Broken, found, fix);
}
