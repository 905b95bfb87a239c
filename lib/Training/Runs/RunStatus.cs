namespace PatchKit.Training.Runs;

/// <summary>How far a run in the cache came.</summary>
public enum RunStatus
{
    /// <summary>Only its configuration is there.</summary>
    Begun,

    /// <summary>A checkpoint is there, from which it goes on.</summary>
    Interrupted,

    /// <summary>Its result is there; it is never trained again.</summary>
    Finished,
}
