using System.Reflection;
using System.Runtime.InteropServices;

namespace CsNotebook.Engine;

/// <summary>What runs here, for <c>#!about</c>.</summary>
internal static class About
{
    public static MimeBundle Bundle =>
        new(
            "text/plain",
            $"""
            csnotebook {Assembly.GetExecutingAssembly().GetName().Version?.ToString(3)}, a C# notebook kernel
            C# 14, {RuntimeInformation.FrameworkDescription}
            {Platform}, {Environment.ProcessorCount} processors
            """
        );

    private static string Platform => $"{RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}";
}
