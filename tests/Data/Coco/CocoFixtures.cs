using System.Text;
using System.Text.Json;

namespace PatchKit.Tests.Data.Coco;

/// <summary>What pycocotools made of unusual masks and sets (tests/fixtures/coco/make.py).</summary>
internal static class CocoFixtures
{
    internal static JsonElement Read(string name)
    {
        using var json = JsonDocument.Parse(
            File.ReadAllBytes(Checkout.Path("tests", "fixtures", "coco", name + ".json"))
        );
        return json.RootElement.Clone();
    }

    internal static MemoryStream Text(string json) => new(Encoding.UTF8.GetBytes(json));
}
