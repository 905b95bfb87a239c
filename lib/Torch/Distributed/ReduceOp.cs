namespace PatchKit.Torch.Distributed;

/// <summary>How the tensors of all ranks become one.</summary>
public enum ReduceOp
{
    /// <summary>Their sum.</summary>
    Sum = 0,

    /// <summary>The greatest of each element.</summary>
    Max = 1,

    /// <summary>The least of each element.</summary>
    Min = 2,
}
