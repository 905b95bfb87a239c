namespace PatchKit.Experiments;

/// <summary>What the numbers say about an effect that the paper claims.</summary>
public enum Outcome
{
    /// <summary>They show it.</summary>
    Shown,
    /// <summary>They could have shown it and do not.</summary>
    NotShown,
    /// <summary>At this scale they can say nothing about it.</summary>
    NotTestable,
}
