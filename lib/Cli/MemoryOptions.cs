using System.CommandLine;
using PatchKit.Torch;

namespace PatchKit.Cli;

/// <summary>What commands that train offer for when memory runs out.</summary>
internal sealed class MemoryOptions
{
    internal Option<bool> AutoBatch { get; } =
        new("--auto-batch")
        {
            Description =
                "where memory runs out, take half as many images at a time and go on; the batch that a step "
                + "learns from stays",
        };

    internal Option<double?> Limit { get; } =
        new("--memory")
        {
            Description =
                "GiB that tensors on the CPU may take; training that needs more ends with a sentence, not "
                + "by the system",
        };

    /// <summary>Sets the limit that was given.</summary>
    /// <exception cref="ArgumentException">It leaves no room.</exception>
    internal void Apply(ParseResult parsed)
    {
        if (parsed.GetValue(Limit) is not { } limit)
            return;
        if (!(limit is > 0 and < long.MaxValue / (double)(1L << 30)))
            throw new ArgumentException($"--memory {limit} leaves no room for tensors; give GiB above 0.");
        Engine.LimitMemory((long)(limit * (1L << 30)));
    }
}
