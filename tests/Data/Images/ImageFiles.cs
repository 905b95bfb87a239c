namespace PatchKit.Tests.Data.Images;

/// <summary>
/// The image fixtures of tests/fixtures/images, written by Pillow (make.py there), and folders for tests that write.
/// </summary>
internal static class ImageFiles
{
    internal static string Folder { get; } = Checkout.Path("tests", "fixtures", "images");

    /// <summary>A new folder under the system's temporary one; the caller deletes it.</summary>
    internal static string Scratch() => Directory.CreateTempSubdirectory("patchkit-data-").FullName;
}
