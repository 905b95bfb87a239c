using PatchKit.Data.Images;

namespace PatchKit.Data.Coco;

/// <summary>COCO's result files: a list of detections.</summary>
public static class CocoResults
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="ImageException">The file is missing, cut short, or no list of detections; the message says
    /// where.</exception>
    public static IReadOnlyList<CocoDetection> Load(string path)
    {
        if (!File.Exists(path))
            throw new ImageException(path, "does not exist; name a result file, a list of detections in JSON.");
        using var file = File.OpenRead(path);
        return Read(file, path);
    }

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="ImageException">The text is cut short, or no list of detections; the message says
    /// where.</exception>
    public static IReadOnlyList<CocoDetection> Read(Stream json, string name) =>
        CocoJson.Read<CocoDetection[]>(
            json,
            name,
            "a list of detections with image_id, category_id, score and bbox or segmentation"
        );

    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; it is replaced in one step.</param>
    /// <param name="detections">Masks are written as compressed runs.</param>
    public static void Save(string path, IEnumerable<CocoDetection> detections)
    {
        string partial = path + ".partial";
        using (var file = File.Create(partial))
            CocoJson.Write(file, detections);
        File.Move(partial, path, overwrite: true);
    }
}
