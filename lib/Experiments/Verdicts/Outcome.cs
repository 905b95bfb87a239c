namespace PatchKit.Experiments.Verdicts;

/// <summary>What the numbers say about an effect that the paper claims; <see cref="VerdictRule"/> decides it.</summary>
public enum Outcome
{
    /// <summary>They show it: every step goes the claimed way by more than the seeds' luck explains.</summary>
    Shown,

    /// <summary>The means go the claimed way, but the interval of a step holds zero.</summary>
    ShownInTheMean,

    /// <summary>They could have shown it and do not: a mean goes the other way.</summary>
    NotShown,

    /// <summary>They can say nothing about it: fewer than three seeds, or the scale `smoke`.</summary>
    NotTestable,
}
