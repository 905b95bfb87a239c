using System.Diagnostics;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench data`: from JPEG files of about 500 x 400 pixels to what a network is trained on (decoding, a random
/// resized crop to 224 x 224, a flip, normalised float32 planes) on one thread, beside Python's Pillow and numpy doing
/// the same to the same files and boxes.
/// </summary>
/// <param name="Pairs">Interleaved measurements of each.</param>
/// <param name="Folder">A folder with JPEGs below it; null lets Pillow make some.</param>
internal sealed record DataBench(int Pairs, string? Folder)
{
    private const int Images = 64,
        Size = 224;

    internal BenchResult Run()
    {
        using var python = PythonPeer.Start("data_peer.py");
        if (python is null)
            Console.WriteLine(
                "No python3 here can import PIL and numpy (Debian/Ubuntu: apt install python3-pil "
                    + "python3-numpy): ours is measured alone."
            );
        string scratch = Directory.CreateTempSubdirectory("patchkit-bench-").FullName;
        try
        {
            Sample[] samples = [.. Samples(Photographs(python, scratch))];
            File.WriteAllLines(Path.Combine(scratch, "boxes.tsv"), samples.Select(sample => sample.Line));
            double bytes = samples.Average(sample => new FileInfo(sample.Path).Length),
                pixels = samples.Average(sample => sample.Pixels);
            Console.WriteLine(
                $"{samples.Length} JPEGs of {bytes / 1000:N0} KB and {pixels / 1000:N0} thousand pixels on average."
            );

            var (rows, figures) = (new List<Measurement>(), new List<Figure>());
            foreach (var filter in new[] { ResizeFilter.Bicubic, ResizeFilter.Bilinear })
            {
                string name = filter.ToString().ToLowerInvariant();
                var transform = new TrainTransform(Size) { Filter = filter };
                Subject(
                    $"decode, crop ({name}), flip, normalise, 1 thread",
                    () => Prepare(samples, transform).Milliseconds,
                    $"time {name} {scratch}",
                    1 / 1.5
                );
                if (python is not null)
                    MustAgree(name, Prepare(samples, transform).MeanSize, python.Ask($"sum {name} {scratch}"));
            }
            Subject("decode alone, 1 thread", () => Decode(samples), $"decode - {scratch}", null);
            return new BenchResult(rows, figures);

            void Subject(string subject, Func<double> ours, string request, double? limit)
            {
                double[] times;
                if (python is null)
                {
                    ours();
                    times = [.. Enumerable.Range(0, Pairs).Select(_ => ours())];
                }
                else
                {
                    rows.Add(
                        Measurement.Pairs(
                            subject,
                            $"Pillow {python.Version}",
                            "ms",
                            Pairs,
                            ours,
                            () => python.Ask(request),
                            limit
                        )
                    );
                    times = rows[^1].Ours;
                }
                figures.Add(new Figure(subject, 1e3 / Measurement.Median(times), "images/s"));
            }
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private string[] Photographs(PythonPeer? python, string scratch)
    {
        if (Folder is null)
        {
            if (python is null)
                throw new ArgumentException(
                    "Pillow makes the images of this benchmark, and there is none; name a folder of JPEGs in --data."
                );
            python.Ask($"write {Images} {scratch}");
        }
        if (Folder is not null && !Directory.Exists(Folder))
            throw new ArgumentException($"{Folder} does not exist; name a folder of photographs in --data.");
        string[] found =
        [
            .. Directory
                .EnumerateFiles(Folder ?? scratch, "*", SearchOption.AllDirectories)
                .Where(path => Path.GetExtension(path).ToLowerInvariant() is ".jpg" or ".jpeg")
                .Order(StringComparer.Ordinal),
        ];
        if (found.Length == 0)
            throw new ArgumentException(
                $"{Folder} has no .jpg or .jpeg file at any depth; name a folder of photographs in --data."
            );
        return found.Length <= Images
            ? found
            : [.. Enumerable.Range(0, Images).Select(i => found[(int)((long)i * found.Length / Images)])];
    }

    // The boxes and flips that TrainTransform draws, for the peer.
    private static IEnumerable<Sample> Samples(string[] paths)
    {
        for (int i = 0; i < paths.Length; i++)
        {
            var (width, height) = ImageCodec.Size(File.ReadAllBytes(paths[i]), paths[i], DecodeOptions.Official);
            var random = new SampleRandom(0, 0, i);
            var box = new RandomResizedCrop(Size).Draw(width, height, ref random);
            yield return new Sample(Path.GetFullPath(paths[i]), box, random.Chance(0.5), width * height);
        }
    }

    private static (double Milliseconds, double MeanSize) Prepare(Sample[] samples, TrainTransform transform)
    {
        var planes = new float[3 * Size * Size];
        double sum = 0;
        var watch = new Stopwatch();
        for (int i = 0; i < samples.Length; i++)
        {
            watch.Start();
            using (var image = ImageCodec.Read(samples[i].Path, DecodeOptions.Official))
            {
                var random = new SampleRandom(0, 0, i);
                transform.Apply(image, planes, ref random);
            }
            watch.Stop();
            foreach (float value in planes)
                sum += Math.Abs(value);
        }
        return (watch.Elapsed.TotalMilliseconds / samples.Length, sum / planes.Length / samples.Length);
    }

    private static double Decode(Sample[] samples)
    {
        var watch = Stopwatch.StartNew();
        foreach (var sample in samples)
            ImageCodec.Read(sample.Path, DecodeOptions.Official).Dispose();
        return watch.Elapsed.TotalMilliseconds / samples.Length;
    }

    private static void MustAgree(string filter, double ours, double theirs)
    {
        if (!(Math.Abs(ours - theirs) <= 1e-5 * theirs))
            throw new InvalidOperationException(
                $"the numbers of {filter} crops have a mean size of {ours:G7}, and Pillow's of {theirs:G7}; "
                    + "they should be equal, so their times say nothing."
            );
    }

    /// <summary>A file, its box and whether it is mirrored.</summary>
    private sealed record Sample(string Path, CropBox Box, bool Mirrored, int Pixels)
    {
        internal string Line => string.Join('\t', Path, Box.Top, Box.Left, Box.Height, Box.Width, Mirrored ? 1 : 0);
    }
}
