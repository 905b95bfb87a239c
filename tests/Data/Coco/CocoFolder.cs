using System.Formats.Tar;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;

namespace PatchKit.Tests.Data.Coco;

/// <summary>
/// A small set in COCO's layout, in a folder that is deleted when disposed: rectangles of random places on grey, every
/// other image tall, one without objects, one all crowd.
/// </summary>
internal sealed class CocoFolder : IDisposable
{
    internal CocoFolder(bool camVid = false, int images = 8)
    {
        string folder = camVid ? "images/training" : "train2017",
            json = camVid ? "instances_training.json" : "annotations/instances_train2017.json";
        Directory.CreateDirectory(Path.Combine(Root, "set", folder));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Root, "set", json))!);
        var random = new Random(1);
        var (listed, annotations) = (new List<CocoImage>(), new List<CocoAnnotation>());
        for (int i = 0; i < images; i++)
        {
            var (height, width) = i % 2 == 0 ? (20, 30) : (32, 24);
            using var image = new Image(width, height);
            image.Pixels.Fill(128);
            listed.Add(
                new CocoImage
                {
                    Id = 10 * (i + 1),
                    Height = height,
                    Width = width,
                    FileName = $"{i}.png",
                }
            );
            for (int k = 0; k < (i == 2 ? 0 : 3); k++)
            {
                var box = new CocoBox(
                    random.Next(width - 8),
                    random.Next(height - 8),
                    random.Next(2, 8),
                    random.Next(2, 8)
                );
                for (int y = (int)box.Y; y < box.Bottom; y++)
                    image.Row(y).Slice(3 * (int)box.X, 3 * (int)box.Width).Fill(255);
                annotations.Add(
                    new CocoAnnotation
                    {
                        Id = annotations.Count + 1,
                        ImageId = listed[i].Id,
                        CategoryId = new long[] { 90, 4 }[k % 2],
                        IsCrowd = i == 3 || k == 2,
                        Area = box.Area,
                        Box = box,
                        Segmentation = Rle.FromBox(height, width, box),
                    }
                );
            }
            File.WriteAllBytes(Path.Combine(Root, "set", folder, listed[i].FileName), ImageCodec.EncodePng(image));
        }
        new CocoInstances(
            listed,
            annotations,
            [new CocoCategory { Id = 90, Name = "late" }, new CocoCategory { Id = 4, Name = "early" }]
        ).Save(Path.Combine(Root, "set", json));
    }

    internal string Root { get; } = Directory.CreateTempSubdirectory("patchkit-coco-").FullName;

    internal string Set => Path.Combine(Root, "set");

    internal string Archived()
    {
        string path = Path.Combine(Root, "set.tar");
        TarFile.CreateFromDirectory(Set, path, includeBaseDirectory: true);
        return path;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
