namespace PatchKit.Tests;

/// <summary>The checkout that the tests were built in.</summary>
internal static class Checkout
{
    /// <summary>Its folder, the one with PatchKit.csproj.</summary>
    internal static string Home { get; } = FindHome();

    /// <summary>A path in it.</summary>
    internal static string Path(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Home, .. parts]);

    private static string FindHome()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "PatchKit.csproj")))
                return folder.FullName;
        throw new DirectoryNotFoundException($"no folder above {AppContext.BaseDirectory} holds PatchKit.csproj");
    }
}
