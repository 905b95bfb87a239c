using System.CommandLine;
using PatchKit.Data.Sets;
using PatchKit.Torch;
using PatchKit.Training.Runs;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>What commands that train have in common: where, in which parts, and where runs are kept.</summary>
internal sealed class TrainingOptions
{
    internal Option<string> Device { get; } =
        new("--device") { Description = "cpu, cuda or cuda:1", DefaultValueFactory = _ => "cpu" };

    internal Option<int> Accumulate { get; } =
        new("--accumulate")
        {
            Description = "parts that a batch is trained in, one after the other",
            DefaultValueFactory = _ => 1,
        };

    internal Option<bool> AutoBatch { get; } =
        new("--auto-batch")
        {
            Description =
                "where memory runs out, take half as many images at a time and go on; the batch that a step "
                + "learns from stays",
        };

    internal Option<double?> Memory { get; } =
        new("--memory")
        {
            Description =
                "GiB that tensors on the CPU may take; training that needs more ends with a sentence, not "
                + "by the system",
        };

    internal Option<string?> OnBadSample { get; } =
        new("--on-bad-sample")
        {
            Description =
                "what happens at an image that cannot be read: stop or skip (default: as the run was begun, "
                + "and stop for a new one)",
        };

    internal Option<string> Precision { get; } =
        new("--precision")
        {
            Description = "float32, or float64 for checks; part of no run's key",
            DefaultValueFactory = _ => "float32",
        };

    internal Option<string?> Out { get; } = new("--out") { Description = "where runs are kept (default: runs)" };

    internal TrainingOptions()
    {
        OnBadSample.AcceptOnlyFromAmong("stop", "skip");
        Precision.AcceptOnlyFromAmong("float32", "float64");
    }

    /// <summary>The store of the folder that was given.</summary>
    /// <exception cref="ArgumentException">It is no folder that runs could be kept in.</exception>
    internal RunStore Store(ParseResult parsed)
    {
        var store = new RunStore(parsed.GetValue(Out));
        OutputPlace.Folder(store.Folder, "--out");
        return store;
    }

    /// <summary>How runs are carried out; sets the limit of memory that was given.</summary>
    /// <exception cref="ArgumentException">The limit leaves no room.</exception>
    internal RunOptions RunOptions(ParseResult parsed, Ranks ranks)
    {
        LimitMemory(parsed.GetValue(Memory));
        return new RunOptions
        {
            Device = ranks.Device,
            Group = ranks.Group,
            Precision = Enum.Parse<ScalarType>(parsed.GetValue(Precision)!, ignoreCase: true),
            AutoBatch = parsed.GetValue(AutoBatch),
            Accumulation = parsed.GetValue(Accumulate),
            OnBadSample = parsed.GetValue(OnBadSample) switch
            {
                null => null,
                "skip" => BadSample.Skip,
                _ => BadSample.Stop,
            },
        };
    }

    private static void LimitMemory(double? limit)
    {
        if (limit is not { } gibibytes)
            return;
        if (!(gibibytes is > 0 and < long.MaxValue / (double)(1L << 30)))
            throw new ArgumentException($"--memory {gibibytes} leaves no room for tensors; give GiB above 0.");
        Engine.LimitMemory((long)(gibibytes * (1L << 30)));
    }
}
