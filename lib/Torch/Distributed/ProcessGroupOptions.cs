namespace PatchKit.Torch.Distributed;

/// <summary>How long processes wait for each other.</summary>
public sealed record ProcessGroupOptions
{
    /// <summary>Until all ranks have come.</summary>
    public TimeSpan Rendezvous { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Until a rank whose heartbeat has stopped counts as gone: its process, its machine or the network.
    /// </summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Until a collective that others do not join fails, however well their hearts beat.</summary>
    public TimeSpan Collective { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// Whether collectives go through host memory although the device needs none of it, as they do for GPUs without
    /// NCCL: for tests.
    /// </summary>
    internal bool ThroughHost { get; init; }

    /// <summary>
    /// What tells this job from others that use the same port: the id that torchrun or `patchkit launch` gave it, if
    /// one did.
    /// </summary>
    public string Job { get; init; } =
        Environment.GetEnvironmentVariable("TORCHELASTIC_RUN_ID")
        ?? Environment.GetEnvironmentVariable("PATCHKIT_LAUNCH")
        ?? "";
}
