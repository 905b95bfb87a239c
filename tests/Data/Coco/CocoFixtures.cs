using System.Text;
using System.Text.Json;

namespace PatchKit.Tests.Data.Coco;

/// <summary>What pycocotools made of unusual masks and sets (tests/fixtures/coco/make.py).</summary>
internal static class CocoFixtures
{
    internal static JsonElement Read(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder(), name + ".json")));
        return json.RootElement.Clone();
    }

    internal static MemoryStream Text(string json) => new(Encoding.UTF8.GetBytes(json));

    private static string Folder()
    {
        if (Environment.GetEnvironmentVariable("PATCHKIT_FIXTURES") is { Length: > 0 } given)
            return Path.Combine(given, "coco");
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "tests", "fixtures", "coco") is var found && Directory.Exists(found))
                return found;
        throw new DirectoryNotFoundException(
            $"No folder above {AppContext.BaseDirectory} holds tests/fixtures/coco; name tests/fixtures in "
                + "PATCHKIT_FIXTURES."
        );
    }
}
