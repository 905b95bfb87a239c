using PatchKit.Data.Images;
using PatchKit.Data.Sets;

namespace PatchKit.Tests.Training;

/// <summary>Sets of random images in files, as people have them.</summary>
internal static class SmallImages
{
    internal const int Training = 64,
        Test = 20;

    /// <summary>CIFAR-10's files, much smaller: 64 and 20 images of 32 x 32 pixels.</summary>
    internal static string Cifar(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "data_batch_1.bin"), Records(Training));
        File.WriteAllBytes(Path.Combine(folder, "test_batch.bin"), Records(Test));
        return folder;
    }

    /// <summary>A folder per class, of 4 classes: 64 and 20 images of different sizes.</summary>
    internal static string Folders(string folder)
    {
        var random = new Random(2);
        foreach (var (part, count) in new[] { ("train", Training), ("val", Test) })
            for (int i = 0; i < count; i++)
            {
                string below = Directory.CreateDirectory(Path.Combine(folder, part, $"class-{i % 4}")).FullName;
                using var image = new Image(20 + i % 5, 18 + i % 3);
                random.NextBytes(image.Pixels);
                File.WriteAllBytes(Path.Combine(below, $"{i:000}.png"), ImageCodec.EncodePng(image));
            }
        return folder;
    }

    private static byte[] Records(int count)
    {
        var records = new byte[count * (1 + 3 * 32 * 32)];
        new Random(count).NextBytes(records);
        for (int i = 0; i < count; i++)
            records[i * 3073] = (byte)(i % 10);
        return records;
    }
}
