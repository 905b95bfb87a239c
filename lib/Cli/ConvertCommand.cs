using System.CommandLine;
using System.Globalization;
using PatchKit.Checkpoints;
using PatchKit.Torch;

namespace PatchKit.Cli;

/// <summary>`patchkit convert A.pth B.safetensors`: a model's tensors in the format that holds no code.</summary>
internal static class ConvertCommand
{
    internal static Command Create()
    {
        var source = new Argument<string>("source") { Description = "a .pth, .pt or .safetensors file" };
        var target = new Argument<string>("target") { Description = "the .safetensors file to write" };
        var key = new Option<string?>("--key")
        {
            Description =
                "the part to convert, such as model_ema; \"\" for all (default: model, state_dict, ... or all)",
        };
        var force = new Option<bool>("--force") { Description = "replace the target if it exists" };
        var verify = InspectCommand.NoVerify();
        var command = new Command("convert", "Write the tensors of a checkpoint as safetensors.")
        {
            source,
            target,
            key,
            force,
            verify,
        };
        command.SetAction(parsed =>
            Convert(
                parsed.GetValue(source)!,
                parsed.GetValue(target)!,
                parsed.GetValue(key),
                parsed.GetValue(force),
                !parsed.GetValue(verify)
            )
        );
        return command;
    }

    private static int Convert(string source, string target, string? key, bool force, bool verify)
    {
        if (File.Exists(target) && !force)
            throw new CheckpointException(
                target,
                "exists already; choose another name, or give --force to replace it."
            );
        OutputPlace.File(target, "the target");
        using var file = CheckpointFile.Open(source, verify);
        var tensors = file.Tensors(key);
        ExpectNoMoreThanTheFile(file, tensors);
        var shared = tensors
            .GroupBy(pair => pair.Value.Source)
            .Where(group => group.Count() > 1)
            .Select(group => group.Select(pair => Words.Safe(pair.Key)).ToList())
            .ToList();
        Safetensors.Write(target, tensors, new Dictionary<string, string> { ["format"] = "pt" }, overwrite: force);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{target}: {tensors.Count} tensors, {new FileInfo(target).Length:N0} bytes, from {source} "
                    + $"({file.Format}, {file.Bytes:N0} bytes)."
            )
        );
        foreach (var names in shared)
            Console.WriteLine(
                $"note: {string.Join(" and ", names)} share memory in {source}; each is written on its own, "
                    + "and they no longer do."
            );
        return 0;
    }

    // Views of few elements can look like many; what is written is bounded before the disk is full.
    private static void ExpectNoMoreThanTheFile(
        CheckpointFile file,
        IReadOnlyDictionary<string, CheckpointTensor> tensors
    )
    {
        const int MostTimes = 16;
        const long Floor = 64L << 20;
        Int128 bytes = 0;
        foreach (var tensor in tensors.Values)
            bytes += tensor.Bytes;
        if (bytes > Int128.Max((Int128)MostTimes * file.Bytes, Floor))
            throw new CheckpointException(
                file.Path,
                $"has {file.Bytes:N0} bytes, but its tensors, written each on its own, would "
                    + $"take {bytes:N0}, because they view the same memory; choose a part of it with --key."
            );
    }
}
