using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace Formatting.Tests;

/// <summary>
/// The real Microsoft.DotNet.Interactive.Formatting, with what it needs of ASP.NET Core's shared framework.
/// </summary>
internal sealed class RealFormatting : AssemblyLoadContext
{
    private static readonly string Dll = typeof(RealFormatting)
        .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(a => a.Key == nameof(RealFormatting))
        .Value!;

    private static readonly string AspNetCore = Path.GetFullPath(
        Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "Microsoft.AspNetCore.App")
    );

    private readonly Func<Type, IEnumerable<string>> preferred;
    private readonly Func<object, string, string> text;

    /// <summary>Loads it.</summary>
    public RealFormatting()
    {
        var formatter = LoadFromAssemblyPath(Dll)
            .GetType("Microsoft.DotNet.Interactive.Formatting.Formatter", throwOnError: true)!;
        preferred = formatter.GetMethod("GetPreferredMimeTypesFor")!.CreateDelegate<Func<Type, IEnumerable<string>>>();
        text = formatter
            .GetMethod("ToDisplayString", [typeof(object), typeof(string)])!
            .CreateDelegate<Func<object, string, string>>();
    }

    /// <summary>Why it cannot be loaded here, or null.</summary>
    public static string? Missing =>
        !File.Exists(Dll) ? $"{Dll} is not there: this was built with -p:RealFormatting=false."
        : Find("Microsoft.AspNetCore.Html.Abstractions") is null
            ? $"{AspNetCore} is not there: install the ASP.NET Core runtime."
        : null;

    /// <summary>The MIME types in which values of a type are shown.</summary>
    public IEnumerable<string> Preferred(Type type) => preferred(type);

    /// <summary>A value's text in one of them.</summary>
    public string Text(object value, string mimeType) => text(value, mimeType);

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName name) =>
        Find(name.Name!) is { } path ? LoadFromAssemblyPath(path) : null;

    private static string? Find(string name) =>
        !Directory.Exists(AspNetCore)
            ? null
            : Directory
                .EnumerateFiles(AspNetCore, name + ".dll", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
                .LastOrDefault();
}
