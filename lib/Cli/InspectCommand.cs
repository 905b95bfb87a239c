using System.CommandLine;
using System.Globalization;
using PatchKit.Checkpoints;
using PatchKit.Torch;
using Spectre.Console;

namespace PatchKit.Cli;

/// <summary>`patchkit inspect FILE`: what a checkpoint holds, without reading the tensors' elements.</summary>
internal static class InspectCommand
{
    private const int LongestList = 8;

    internal static Command Create()
    {
        var file = new Argument<string>("file") { Description = "a .pth, .pt or .safetensors file" };
        var verify = NoVerify();
        var command = new Command("inspect", "List the tensors of a checkpoint and the values beside them.")
        {
            file,
            verify,
        };
        command.SetAction(parsed => Print(parsed.GetValue(file)!, !parsed.GetValue(verify)));
        return command;
    }

    internal static Option<bool> NoVerify() =>
        new("--no-verify")
        {
            Description = "accept checksums that do not agree (a file saved under set_crc32_options(False))",
        };

    private static int Print(string path, bool verify)
    {
        using var file = CheckpointFile.Open(path, verify);
        Tables.Widen(AnsiConsole.Console);
        var tensors = new List<(string Name, CheckpointTensor Tensor)>();
        var values = new List<(string Name, string Value)>();
        foreach (var (key, text) in file.Metadata)
            values.Add(($"metadata: {key}", text));
        foreach (var (name, value) in file.Leaves(file.Root))
        {
            if (value is CheckpointTensor tensor)
                tensors.Add((name, tensor));
            else
                values.Add((name, Text(value)));
        }

        if (tensors.Count > 0)
            AnsiConsole.Write(Table(tensors));
        if (values.Count > 0)
            AnsiConsole.Write(Table(values));
        long stored = tensors.DistinctBy(entry => entry.Tensor.Source).Sum(entry => entry.Tensor.Source.Bytes);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{path}: {file.Format}, {file.Bytes:N0} bytes; {tensors.Count} "
                    + $"tensors, {tensors.Sum(entry => entry.Tensor.NumElements):N0} elements, {stored:N0} "
                    + $"bytes stored; other values: {values.Count}."
            )
        );
        return 0;
    }

    private static Table Table(List<(string Name, CheckpointTensor Tensor)> tensors)
    {
        var first = new Dictionary<CheckpointStorage, string>();
        var table = new Table()
            .Border(TableBorder.Simple)
            .AddColumns("tensor", "dtype", "shape")
            .AddColumn("bytes", column => column.RightAligned())
            .AddColumn("memory");
        foreach (var (name, tensor) in tensors)
        {
            bool shared = !first.TryAdd(tensor.Source, name);
            string memory = shared ? $"shared with {first[tensor.Source]}" : "";
            table.AddRow(
                Cell(name),
                tensor.DTypeName,
                $"({string.Join(", ", tensor.Shape)})",
                tensor.Bytes.ToString("N0", CultureInfo.InvariantCulture),
                Cell(memory)
            );
        }
        return table;
    }

    private static Table Table(List<(string Name, string Value)> values)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("value", "");
        foreach (var (name, value) in values)
            table.AddRow(Cell(name), Cell(value));
        return table;
    }

    private static string Text(object? value) =>
        value switch
        {
            null => "None",
            string text => $"\"{text}\"",
            byte[] bytes => $"{bytes.Length} bytes",
            TorchSharp.torch.ScalarType dtype => $"torch.{ElementTypes.TorchName(dtype)}",
            OrderedDictionary<object, object?> => "{}",
            IReadOnlyList<object?> list => $"[{string.Join(", ", list.Take(LongestList).Select(Text))}"
                + $"{(list.Count > LongestList ? $", ... {list.Count} in all" : "")}]",
            PickleRecord record => record.Fields.Count == 0 ? record.ToString() : $"{record}: {Fields(record)}",
            _ => FormattableString.Invariant($"{value}"),
        };

    private static string Fields(PickleRecord record) =>
        string.Join(", ", record.Fields.Take(LongestList).Select(field => $"{field.Key}={Text(field.Value)}"));

    // Names come from the file: they must not steer the terminal.
    private static string Cell(string text) => Words.Safe(text).EscapeMarkup();
}
