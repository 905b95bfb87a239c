namespace PatchKit.Training.Tasks;

/// <summary>What a student learns from a teacher (Touvron et al. 2021, section 4).</summary>
public enum DistillationKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The teacher's distribution over the classes.</summary>
    Soft,

    /// <summary>The teacher's best class.</summary>
    Hard,
}
