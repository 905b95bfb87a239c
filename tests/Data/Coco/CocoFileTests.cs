using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Data.Coco;

/// <summary>COCO's JSON files: what is read, written and refused.</summary>
public sealed class CocoFileTests
{
    private const string Whole = """
        {"info": {"year": 2017},
         "images": [
           {"id": 9, "width": 6, "height": 4, "file_name": "9.jpg"},
           {"id": 2, "width": 5, "height": 5, "file_name": "2.jpg", "license": 1}],
         "annotations": [
           {"id": 1, "image_id": 9, "category_id": 30, "iscrowd": 0, "area": 4, "bbox": [1, 1, 2, 2],
            "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]},
           {"id": 2, "image_id": 9, "category_id": 7, "iscrowd": 1, "area": 24, "bbox": [0, 0, 6, 4],
            "segmentation": {"size": [4, 6], "counts": [0, 24]}},
           {"id": 3, "image_id": 9, "category_id": 7, "area": 24, "bbox": [0, 0, 6, 4],
            "segmentation": {"counts": "0h0", "size": [4, 6]}},
           {"id": 4, "image_id": 5, "category_id": 7, "area": 24, "bbox": [0, 0, 6, 4]},
           {"id": 5, "image_id": 9, "category_id": 8, "area": 24, "bbox": [0, 0, 6, 4]}],
         "categories": [{"id": 30, "name": "cat"}, {"id": 7, "name": "dog", "supercategory": "animal"}]}
        """;

    [Fact]
    public void InstancesAreReadInAllForms()
    {
        var set = CocoInstances.Read(CocoFixtures.Text(Whole), "whole.json");
        Assert.Equal([2, 9], set.Images.Select(image => image.Id));
        Assert.Equal(["dog", "cat"], set.Categories.Select(category => category.Name));
        // those of unknown images and categories count for nothing
        Assert.Equal([1, 2, 3], set.Of(9).Select(annotation => annotation.Id));
        Assert.Empty(set.Of(2));
        Assert.Equal([false, true, false], set.Of(9).Select(annotation => annotation.IsCrowd));
        Assert.Equal([4, 24, 24], set.Of(9).Select(annotation => set.Mask(annotation).Area));
        Assert.Equal(0, set.Repeated);
    }

    [Fact]
    public void FilesComeBackAsTheyWere()
    {
        string folder = Directory.CreateTempSubdirectory("patchkit-coco-").FullName;
        try
        {
            var set = CocoInstances.Read(CocoFixtures.Text(Whole), "whole.json");
            string path = Path.Combine(folder, "set.json");
            set.Save(path);
            var again = CocoInstances.Load(path);
            Assert.Equal(
                set.Of(9)
                    .Select(annotation =>
                        (annotation.Id, annotation.Box, annotation.IsCrowd, set.Mask(annotation).ToString())
                    ),
                again
                    .Of(9)
                    .Select(annotation =>
                        (annotation.Id, annotation.Box, annotation.IsCrowd, again.Mask(annotation).ToString())
                    )
            );

            CocoDetection[] found =
            [
                new()
                {
                    ImageId = 9,
                    CategoryId = 7,
                    Score = .25,
                    Box = new CocoBox(1, 2, 3.5, 4),
                    Segmentation = Rle.Parse(4, 6, "0h0"),
                },
                new()
                {
                    ImageId = 2,
                    CategoryId = 7,
                    Score = 1e-7,
                    Box = default(CocoBox),
                },
            ];
            path = Path.Combine(folder, "found.json");
            CocoResults.Save(path, found);
            Assert.Equal(
                """[{"image_id":9,"category_id":7,"score":0.25,"bbox":[1,2,3.5,4]"""
                    + ""","segmentation":{"size":[4,6],"counts":"0h0"}},"""
                    + """{"image_id":2,"category_id":7,"score":1E-07,"bbox":[0,0,0,0]}]""",
                File.ReadAllText(path)
            );
            var back = CocoResults.Load(path);
            Assert.Equal(found.Select(one => (one.Score, one.Box)), back.Select(one => (one.Score, one.Box)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void ATruncatedFileIsRefusedWhereverItEnds()
    {
        for (int length = 0; length < Whole.Length; length += 7)
            Expect.Refused<ImageException>(
                () => CocoInstances.Read(CocoFixtures.Text(Whole[..length]), "cut.json"),
                "cut.json ends before its JSON does",
                "fetch it again"
            );
    }

    [Theory]
    [InlineData("[]", "an object with images")]
    [InlineData("null", "null")]
    [InlineData("""{"images": 3}""", "$.images")]
    [InlineData("""{"images": [{"width": 3}]}""", "id")]
    [InlineData(
        """{"annotations": [{"id": 1, "image_id": 2, "category_id": 3, "area": 1, "bbox": [1, 2, 3]}]}""",
        "3 numbers"
    )]
    [InlineData("""{"annotations": [{"id": 1, "image_id": 2, "category_id": 3, "bbox": [1, 2, 3, 4]}]}""", "area")]
    [InlineData(
        """{"annotations": [{"id": 1, "image_id": 2, "category_id": 3, "area": 1, "bbox": [1, 2, 3, 4]"""
            + """, "segmentation": {"counts": "0"}}]}""",
        "size"
    )]
    [InlineData(
        """{"annotations": [{"id": 1, "image_id": 2, "category_id": 3, "area": 1, "bbox": [1, 2, 3, 4]"""
            + """, "segmentation": 7}]}""",
        "polygons"
    )]
    [InlineData("""{"images": [}""", "line 1")]
    public void WhatIsNoSetIsRefused(string json, string word) =>
        Expect.Refused<ImageException>(() => CocoInstances.Read(CocoFixtures.Text(json), "odd.json"), "odd.json", word);

    [Fact]
    public void BoxesOfResultsMayBeAbsent()
    {
        var found = CocoResults.Read(
            CocoFixtures.Text(
                """
                [{"image_id": 1, "category_id": 2, "score": 0.5, "bbox": []},
                 {"image_id": 1, "category_id": 2, "score": 1, "bbox": [1, 2, 3, 4]},
                 {"image_id": 1, "category_id": 2, "score": 1, "bbox": null}]
                """
            ),
            "found.json"
        );
        Assert.Equal([null, new CocoBox(1, 2, 3, 4), null], found.Select(one => one.Box));
    }

    [Fact]
    public void WhatIsNoResultFileIsRefused()
    {
        Expect.Refused<ImageException>(
            () => CocoResults.Read(CocoFixtures.Text("{}"), "odd.json"),
            "a list of detections"
        );
        Expect.Refused<ImageException>(
            () => CocoResults.Read(CocoFixtures.Text("""[{"image_id": 1, "category_id": 2}]"""), "odd.json"),
            "score"
        );
        Expect.Refused<ImageException>(
            () => CocoResults.Read(CocoFixtures.Text("""[{"image_id": 1, "category_id": 2, "score": 0."""), "odd.json"),
            "ends before"
        );
        Expect.Refused<ImageException>(() => CocoResults.Load("/nowhere/odd.json"), "does not exist");
        Expect.Refused<ImageException>(() => CocoInstances.Load("/nowhere/odd.json"), "does not exist");
    }
}
