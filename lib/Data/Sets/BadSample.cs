namespace PatchKit.Data.Sets;

/// <summary>What happens at a file that cannot be decoded: <c>--on-bad-sample</c>.</summary>
public enum BadSample
{
    /// <summary>The run ends with the file's name and the reason.</summary>
    Stop,

    /// <summary>The file is left out, named once and counted.</summary>
    Skip,
}
