namespace PatchKit.Training.Loop;

/// <summary>Training cannot go on; the message says where it stood, why, and what to change.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>Training cannot go on.</summary>
    public TrainingException(string message, Exception? inner = null)
        : base(message, inner) { }
}
