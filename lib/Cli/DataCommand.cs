using System.CommandLine;
using System.Diagnostics;
using PatchKit.Data;
using PatchKit.Data.Images;
using PatchKit.Data.Packed;
using PatchKit.Data.Sets;
using PatchKit.Torch;
using Spectre.Console;

namespace PatchKit.Cli;

/// <summary>
/// `patchkit data`: what a folder of images holds, whether all of it can be read, and how to get or make one.
/// </summary>
internal static class DataCommand
{
    private const int SizesLookedAt = 500;

    private static readonly Dictionary<string, string[]> Scripts = new()
    {
        ["cifar10"] = ["fetch-cifar10.sh"],
        ["cifar100"] = ["fetch-cifar100.sh"],
        ["coco"] = ["coco.sh", "--fetch"],
        ["imagenet"] = ["imagenet.sh", "--fetch"],
        ["ade20k"] = ["ade20k.sh", "--fetch"],
    };

    internal static Command Create() =>
        new("data", "Look into, check, pack, make and fetch sets of images.")
        {
            Info(),
            Verify(),
            Pack(),
            Generate(),
            Fetch(),
        };

    private static Command Info()
    {
        var folder = Folder();
        var command = new Command("info", "Say what a folder holds: kind, classes, counts and sizes.") { folder };
        command.SetAction(parsed =>
            DenseSet.Find(parsed.GetValue(folder)!) is { } dense ? dense.Print() : Print(parsed.GetValue(folder)!)
        );
        return command;
    }

    private static Command Verify()
    {
        var folder = Folder();
        var command = new Command(
            "verify",
            "Decode every image, or check a packed set's checksums; bad files are listed, and the exit "
                + "status is then 1."
        )
        {
            folder,
        };
        command.SetAction(parsed =>
            Stoppable(stop =>
                DenseSet.Find(parsed.GetValue(folder)!) is { } dense
                    ? dense.Verify(stop)
                    : Check(parsed.GetValue(folder)!, stop)
            )
        );
        return command;
    }

    private static Command Pack()
    {
        var folder = Folder();
        var size = new Option<int>("--size") { Description = "side of the packed images in pixels", Required = true };
        var target = Out("the new folder, for train/ and val/");
        var filter = new Option<string>("--filter")
        {
            Description = "how images are resized",
            DefaultValueFactory = _ => "bicubic",
        };
        var onBadSample = new Option<string>("--on-bad-sample")
        {
            Description = "what happens at an image that cannot be read",
            DefaultValueFactory = _ => "stop",
        };
        filter.AcceptOnlyFromAmong("bicubic", "bilinear");
        onBadSample.AcceptOnlyFromAmong("stop", "skip");
        var command = new Command(
            "pack",
            "Decode and resize all images once, into files that training maps into memory."
        )
        {
            folder,
            size,
            target,
            filter,
            onBadSample,
        };
        command.SetAction(parsed =>
            Stoppable(stop =>
                Write(
                    parsed.GetValue(folder)!,
                    parsed.GetValue(target)!,
                    new PackedSetWriter(parsed.GetValue(size))
                    {
                        Filter = parsed.GetValue(filter) == "bilinear" ? ResizeFilter.Bilinear : ResizeFilter.Bicubic,
                    },
                    parsed.GetValue(onBadSample) == "skip" ? BadSample.Skip : BadSample.Stop,
                    stop
                )
            )
        );
        return command;
    }

    private static Command Generate()
    {
        var seed = new Option<long>("--seed")
        {
            Description = "other seeds give unrelated images",
            DefaultValueFactory = _ => 0,
        };
        var count = new Option<int>("--count")
        {
            Description = "training images; a fifth as many are made for the test",
            DefaultValueFactory = _ => 10_000,
        };
        var size = new Option<int>("--size")
        {
            Description = "side of the images in pixels",
            DefaultValueFactory = _ => new MultiScaleBitsOptions().Height,
        };
        var target = Out("the new folder, for train/ and val/");
        var command = new Command(
            "generate",
            "Write generated images with evidence at every scale as PNG files, in a folder per class."
        )
        {
            seed,
            count,
            size,
            target,
        };
        command.SetAction(parsed =>
            Stoppable(stop =>
                Write(
                    parsed.GetValue(target)!,
                    parsed.GetValue(seed),
                    parsed.GetValue(count),
                    parsed.GetValue(size),
                    stop
                )
            )
        );
        return command;
    }

    private static Command Fetch()
    {
        var name = new Argument<string>("name") { Description = string.Join(", ", Scripts.Keys) }.AcceptOnlyFromAmong([
            .. Scripts.Keys,
        ]);
        var target = new Option<string?>("--out")
        {
            Description = "the folder to fetch into (default: PATCHKIT_DATA, or data/ of the checkout)",
        };
        var command = new Command(
            "fetch",
            "Fetch a set and check it, or say how to get one that may not simply be fetched."
        )
        {
            name,
            target,
        };
        command.SetAction(parsed => Run(Scripts[parsed.GetValue(name)!], parsed.GetValue(target)));
        return command;
    }

    private static Argument<string> Folder() =>
        new("folder")
        {
            Description =
                "CIFAR binary files, train/ and val/ with a folder per class, a packed set, or, for info "
                + "and verify, a set in ADE20K's or COCO's layout",
        };

    private static Option<string> Out(string description) =>
        new("--out") { Description = description, Required = true };

    private static int Print(string folder)
    {
        using var opened = DataFolder.Open(folder);
        Tables.Widen(AnsiConsole.Console);
        var table = new Table()
            .Border(TableBorder.Simple)
            .AddColumns("part", "images", "images of a class", "width x height in pixels");
        foreach (var (part, set) in Parts(opened))
        {
            int[] counts = [.. Enumerable.Range(0, set.Count).CountBy(set.Label).Select(found => found.Value)];
            table.AddRow(part, $"{set.Count:N0}", Range(counts.Min(), counts.Max()), Sizes(set, opened.NativeSize));
        }
        var classes = opened.Training.Classes;
        string[] passed =
        [
            .. Parts(opened)
                .Select(part => (part.Part, Left: (part.Set as ImageFolder)?.LeftOut ?? []))
                .Where(part => part.Left.Count > 0)
                .Select(part =>
                    $"{part.Part}: {string.Join(", ", part.Left.Select(kind => $"{kind.Count:N0} {kind.What}"))}"
                ),
        ];
        Console.WriteLine($"{folder}: {opened.Name}, fingerprint {opened.Fingerprint}");
        AnsiConsole.Write(table);
        Console.WriteLine(
            $"{classes.Count:N0} classes: {string.Join(", ", classes.Take(10))}{(classes.Count > 10 ? ", ..." : "")}"
        );
        if (passed.Length > 0)
            Console.WriteLine($"left out, {string.Join("; ", passed)}");
        return 0;
    }

    // Of some hundred images, evenly chosen: a million headers would take long.
    private static string Sizes(IImageSource set, int native)
    {
        if (native > 0)
            return $"{native} x {native}";
        int looked = Math.Min(set.Count, SizesLookedAt);
        List<(int Width, int Height)> sizes = [];
        for (int i = 0; i < looked; i++)
        {
            string file = set.Name((int)((long)i * set.Count / looked));
            try
            {
                sizes.Add(ImageCodec.Size(File.ReadAllBytes(file), file, (set as ImageFolder)?.Options));
            }
            catch (ImageException) { }
        }
        if (sizes.Count == 0)
            return $"none of {looked} can be read; `patchkit data verify` says why";
        int[] widths = [.. sizes.Select(size => size.Width).Order()],
            heights = [.. sizes.Select(size => size.Height).Order()];
        string unread = sizes.Count < looked ? $", {looked - sizes.Count} unreadable" : "";
        string median = $"{widths[widths.Length / 2]} x {heights[heights.Length / 2]}";
        return $"{Range(widths[0], widths[^1])} x {Range(heights[0], heights[^1])}, median {median} ({looked} "
            + $"looked at{unread})";
    }

    private static int Check(string folder, CancellationToken stop)
    {
        using var opened = DataFolder.Open(folder);
        int total = opened.Training.Count + opened.Test.Count;
        var bad = ImageProgress.Show(total, tell => opened.Verify(done => tell(done), stop));
        foreach (var (path, reason) in bad.Reasons)
            Console.WriteLine($"{path} {reason}");
        if (opened.Scaled.Count > 0)
            Console.WriteLine(
                $"{opened.Scaled.Count:N0} {(opened.Scaled.Count == 1 ? "image has" : "images have")} 16 "
                    + "bits a sample, which are scaled to "
                    + $"8: {string.Join(", ", opened.Scaled.Order(StringComparer.Ordinal).Take(3))}"
                    + $"{(opened.Scaled.Count > 3 ? ", ..." : "")}"
            );
        string files = bad.Count == 1 ? "file is" : "files are",
            found = bad.Count == 0 ? "all can be read" : $"{bad.Count:N0} {files} bad";
        Console.WriteLine($"{opened.Name}: {total:N0} images, {found}.");
        return bad.Count == 0 ? 0 : 1;
    }

    private static int Write(
        string folder,
        string target,
        PackedSetWriter writer,
        BadSample policy,
        CancellationToken stop
    )
    {
        OutputPlace.NewFolder(target, "--out");
        using var opened = DataFolder.Open(folder);
        int total = opened.Training.Count + opened.Test.Count,
            written = 0;
        NewFolder.NeedRoom(target, 3L * writer.Size * writer.Size * total);
        var bad = new BadSamples(policy);
        bad.Skipped += failure => Console.Error.WriteLine($"left out: {failure.Message}");
        NewFolder.Fill(
            target,
            partial =>
                ImageProgress.Show(
                    total,
                    tell =>
                    {
                        written = writer.Write(
                            opened.Training,
                            Path.Combine(partial, "train"),
                            bad,
                            new Told(done => tell(done)),
                            stop
                        );
                        return written += writer.Write(
                            opened.Test,
                            Path.Combine(partial, "val"),
                            bad,
                            new Told(done => tell(opened.Training.Count + done)),
                            stop
                        );
                    }
                )
        );
        Console.WriteLine(
            $"{target}: {written:N0} images of {writer.Size} x {writer.Size} "
                + $"pixels{(bad.Count > 0 ? $", {bad.Count:N0} left out" : "")}."
        );
        return 0;
    }

    private static int Write(string target, long seed, int count, int size, CancellationToken stop)
    {
        if (count < 1)
            throw new ArgumentException($"--count {count} leaves no image; use 1 or more.");
        int test = Math.Max(1, count / 5);
        NewFolder.Fill(
            target,
            partial =>
                ImageProgress.Show(
                    count + test,
                    tell =>
                    {
                        Paint(
                            new MultiScaleBits(seed, DataSplit.Training, new MultiScaleBitsOptions().Sized(size)),
                            Path.Combine(partial, "train"),
                            count,
                            tell,
                            stop
                        );
                        Paint(
                            new MultiScaleBits(seed, DataSplit.Test, new MultiScaleBitsOptions().Sized(size)),
                            Path.Combine(partial, "val"),
                            test,
                            done => tell(count + done),
                            stop
                        );
                        return 0;
                    }
                )
        );
        Console.WriteLine($"{target}: {count:N0} training and {test:N0} test images of {size} x {size} pixels.");
        return 0;
    }

    // Values around 0 become bytes around 128; those beyond 2.5 are clipped, which few are.
    private static void Paint(MultiScaleBits set, string folder, int count, Action<long> tell, CancellationToken stop)
    {
        var (height, width, area) = (set.Options.Height, set.Options.Width, set.Options.Height * set.Options.Width);
        for (int label = 0; label < set.Options.Classes; label++)
            Directory.CreateDirectory(Path.Combine(folder, $"{label:00}"));
        var planes = new float[3 * area];
        var painted = new int[set.Options.Classes];
        using var image = new Image(width, height);
        for (int i = 0; i < count; i++)
        {
            stop.ThrowIfCancellationRequested();
            int label = set.Draw(i, planes);
            for (int at = 0; at < planes.Length; at++)
                image.Pixels[at % area * 3 + at / area] = (byte)Math.Clamp(MathF.Round(128 + 51 * planes[at]), 0, 255);
            File.WriteAllBytes(Path.Combine(folder, $"{label:00}", $"{i:0000000}.png"), ImageCodec.EncodePng(image));
            painted[label]++;
            tell(i + 1);
        }
        int empty = Array.IndexOf(painted, 0);
        if (empty >= 0)
            throw new ArgumentException(
                $"{count:N0} images leave class {empty:00} of {painted.Length} without one; use a larger "
                    + $"--count, such as {100 * painted.Length:N0}."
            );
    }

    private static int Run(string[] script, string? target)
    {
        string path =
            Above(AppContext.BaseDirectory)
                .Concat(Above(Environment.CurrentDirectory))
                .Select(folder => Path.Combine(folder, "data-scripts", script[0]))
                .FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException(
                $"data-scripts/{script[0]} is not above {AppContext.BaseDirectory}; run this in a checkout of PatchKit."
            );
        string[] arguments = target is null ? [] : [Path.GetFullPath(target)];
        using var process = Process.Start(Bash(path), [path, .. script[1..], .. arguments]);
        process.WaitForExit();
        return process.ExitCode;

        static IEnumerable<string> Above(string folder)
        {
            for (var up = new DirectoryInfo(folder); up is not null; up = up.Parent)
                yield return up.FullName;
        }
    }

    // On Windows Git brings one, which is not on the path.
    private static string Bash(string script)
    {
        if (!OperatingSystem.IsWindows())
            return "bash";
        string[] folders =
        [
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "Git", "bin"),
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator),
        ];
        return folders.Select(folder => Path.Combine(folder, "bash.exe")).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException(
                $"{script} is a bash script, and there is no bash.exe here; install Git for Windows, which "
                    + "brings one, or fetch the set by hand from where the script says and unpack it into a "
                    + "folder for --data."
            );
    }

    private static (string Part, IImageSource Set)[] Parts(OpenedData opened) =>
        [("training", opened.Training), ("test", opened.Test)];

    internal static string Range(int low, int high) => low == high ? $"{low:N0}" : $"{low:N0}-{high:N0}";

    // Ctrl-C ends the work where it can end cleanly.
    private static int Stoppable(Func<CancellationToken, int> work)
    {
        using var stop = new CtrlC();
        return work(stop.Token);
    }

    /// <summary>Tells at once and on the same thread, which <see cref="Progress{T}"/> does not.</summary>
    private sealed class Told(Action<int> tell) : IProgress<int>
    {
        public void Report(int value) => tell(value);
    }
}
