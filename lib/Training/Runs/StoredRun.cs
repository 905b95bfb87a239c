using PatchKit.Display.Formatting;

namespace PatchKit.Training.Runs;

/// <summary>A run in the cache.</summary>
/// <param name="Key">the configuration's.</param>
/// <param name="Folder">where its files are.</param>
/// <param name="Status">how far it came.</param>
/// <param name="Config">what it is.</param>
/// <param name="Result">its result; null unless finished.</param>
/// <param name="Bytes">what its files take.</param>
[TypeFormatterSource(typeof(FormatterSource<StoredRun>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed record StoredRun(
    string Key,
    string Folder,
    RunStatus Status,
    RunConfig Config,
    RunResult? Result,
    long Bytes
) : IRendered
{
    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => new Markup().Add($"<span>{ToString()}</span>").ToString(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>A line for people: the key, and the result or how far it came.</summary>
    public override string ToString() =>
        $"{Key}: {(Result is null ? $"{Config}, {Status.ToString().ToLowerInvariant()}" : $"{Result}")}";
}

/// <summary>How far a run in the cache came.</summary>
public enum RunStatus
{
    /// <summary>Only its configuration is there.</summary>
    Begun,

    /// <summary>The trainer's state is there, from which it goes on.</summary>
    Interrupted,

    /// <summary>Its result is there; it is never trained again.</summary>
    Finished,
}
