namespace PatchKit.Torch.Distributed;

/// <summary>What carries collectives between processes.</summary>
[Flags]
public enum CollectiveBackends
{
    /// <summary>Nothing: this build has no collectives.</summary>
    None = 0,

    /// <summary>Gloo: CPU tensors over TCP.</summary>
    Gloo = 1,

    /// <summary>NCCL: CUDA tensors.</summary>
    Nccl = 2,
}
