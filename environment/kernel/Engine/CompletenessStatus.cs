namespace CsNotebook.Engine;

/// <summary>Whether a piece of code can be run as it stands.</summary>
public enum CompletenessStatus
{
    /// <summary>It can.</summary>
    Complete,

    /// <summary>It needs more lines.</summary>
    Incomplete,

    /// <summary>No further line can mend it.</summary>
    Invalid,
}
