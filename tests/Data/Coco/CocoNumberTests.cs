using System.Text;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Data.Coco;

/// <summary>
/// COCO files as programs write them: ids as text or as 1.0 (https://github.com/cvat-ai/cvat/issues/298), polygons that
/// are not in a list of their own (https://github.com/roboflow/supervision/issues/205).
/// </summary>
public sealed class CocoNumberTests
{
    private const string Square = "[[2,2,10,2,10,10,2,10]]";

    [Theory]
    [InlineData("1", "3")]
    [InlineData("1.0", "3.0")]
    [InlineData("\"1\"", "\"3\"")]
    [InlineData("\"1.0\"", "3e0")]
    public void IdsAreReadHoweverTheyAreWritten(string image, string category)
    {
        var read = Read(image, category, Square);
        var annotation = Assert.Single(read.Of(1));
        Assert.Equal((1, 3), (annotation.ImageId, annotation.CategoryId));
        Assert.Equal((16, 16), (read.Images[0].Width, read.Images[0].Height));
    }

    [Theory]
    [InlineData("1.5", Square, "$.annotations[0].image_id", "1.5 stands where a whole number is expected")]
    [InlineData("\"one\"", Square, "$.annotations[0].image_id", "\"one\" stands where a whole number is expected")]
    [InlineData("null", Square, "$.annotations[0].image_id", "Null stands where a whole number is expected")]
    [InlineData("1", "[2,2,10,2,10,10]", "$.annotations[0].segmentation", "a mask is no list of polygons")]
    [InlineData("1", "[[2,\"two\",10,2,10,10]]", "$.annotations[0].segmentation", "a mask is no list of polygons")]
    [InlineData(
        "1",
        "{\"size\":16,\"counts\":\"x\"}",
        "$.annotations[0].segmentation",
        "size is no list of height and width"
    )]
    public void WhatIsNoneIsToldWithItsPlaceInTheFile(string image, string mask, string place, string reason)
    {
        string sentence = Expect.Refused<ImageException>(() => Read(image, "3", mask), "own.json", place, reason);
        Assert.DoesNotContain("System.", sentence);
    }

    private static CocoInstances Read(string image, string category, string mask) =>
        CocoInstances.Read(
            new MemoryStream(
                Encoding.UTF8.GetBytes(
                    $$"""
                    {"images":[{"id":1,"file_name":"a.png","width":"16","height":16.0}],
                     "categories":[{"id":3,"name":"cat"}],
                     "annotations":[{"id":7,"image_id":{{image}},"category_id":{{category}},"iscrowd":0,
                      "area":64,"bbox":[2,2,8,8],"segmentation":{{mask}}}]}
                    """
                )
            ),
            "own.json"
        );
}
