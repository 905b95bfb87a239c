using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CsNotebook.Jupyter;

/// <summary>The folders in which Jupyter finds kernels: <c>PREFIX/share/jupyter/kernels/NAME/kernel.json</c>.</summary>
internal static partial class KernelSpecs
{
    /// <summary>This kernel's own name.</summary>
    public const string OwnName = "csnotebook";

    /// <summary>A second entry for the same program that earlier versions wrote: .NET Interactive's name.</summary>
    private const string SecondName = ".net-csharp";

    /// <summary>What a launcher shows, by the names that front ends look for.</summary>
    private static readonly string[] Logos = ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"];

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The user's kernels.</summary>
    public static string UserFolder =>
        Path.Combine(
            Variable("JUPYTER_DATA_DIR")
                ?? (
                    OperatingSystem.IsWindows()
                        ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "jupyter")
                    : OperatingSystem.IsMacOS() ? Path.Combine(Home, "Library", "Jupyter")
                    : Path.Combine(Variable("XDG_DATA_HOME") ?? Path.Combine(Home, ".local", "share"), "jupyter")
                ),
            "kernels"
        );

    private static string Home => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    /// <summary>The kernels below a prefix such as <c>/usr/local</c>.</summary>
    public static string PrefixFolder(string prefix) =>
        Path.Combine(Path.GetFullPath(prefix), "share", "jupyter", "kernels");

    /// <summary>The kernels of the Python environment that is active.</summary>
    /// <exception cref="ArgumentException">None is.</exception>
    public static string ActiveFolder() =>
        PrefixFolder(
            Variable("VIRTUAL_ENV")
                ?? Variable("CONDA_PREFIX")
                ?? throw new ArgumentException(
                    "--sys-prefix needs an active Python environment (VIRTUAL_ENV or CONDA_PREFIX); name "
                        + "one with --prefix FOLDER."
                )
        );

    /// <summary>How to start this program: the launcher beside it, or dotnet and its dll.</summary>
    public static string[] Launcher()
    {
        string launcher = Path.Combine(
            AppContext.BaseDirectory,
            OperatingSystem.IsWindows() ? "csnotebook.exe" : "csnotebook"
        );
        return File.Exists(launcher) ? [launcher] : [DotNet(), typeof(KernelSpecs).Assembly.Location];
    }

    /// <summary>Writes this kernel's folder; a front end's list has one entry for it.</summary>
    /// <returns>The folders written.</returns>
    /// <exception cref="ArgumentException">Jupyter does not allow the name.</exception>
    public static IReadOnlyList<string> Install(string kernels, string name)
    {
        if (!AllowedName().IsMatch(name))
            throw new ArgumentException(
                $"Jupyter allows letters, digits, '.', '-' and '_' in a kernel's name, which '{name}' is not made of."
            );
        var written = new List<string> { Write(kernels, name, name == OwnName ? "C# (csnotebook)" : $"C# ({name})") };
        string second = Path.Combine(kernels, SecondName);
        if (name != SecondName && IsOurs(second))
            Directory.Delete(second, recursive: true);
        return written;
    }

    /// <summary>Removes what <see cref="Install"/> wrote.</summary>
    /// <returns>The folders removed.</returns>
    /// <exception cref="IOException">There is no such kernel, or it is another program's.</exception>
    public static IReadOnlyList<string> Uninstall(string kernels, string name)
    {
        string folder = Path.Combine(kernels, name);
        if (!AllowedName().IsMatch(name) || !File.Exists(Spec(folder)))
            throw new IOException($"There is no kernel {name} in {kernels}.");
        if (!IsOurs(folder))
        {
            throw new IOException(
                $"{folder} is not csnotebook's; remove it with the program that installed it, or jupyter "
                    + $"kernelspec remove {name}."
            );
        }
        var removed = new List<string> { folder };
        string notebooks = Path.Combine(kernels, SecondName);
        bool last = !Directory.EnumerateDirectories(kernels).Any(d => d != folder && d != notebooks && IsOurs(d));
        if (last && notebooks != folder && IsOurs(notebooks))
            removed.Add(notebooks);
        foreach (string gone in removed)
            Directory.Delete(gone, recursive: true);
        return removed;
    }

    private static string Write(string kernels, string name, string displayName)
    {
        string folder = Directory.CreateDirectory(Path.Combine(kernels, name)).FullName;
        string[] argv = [.. Launcher(), "start", "-f", "{connection_file}"];
        var spec = new JsonObject
        {
            ["argv"] = new JsonArray([.. argv.Select(a => JsonValue.Create(a))]),
            ["display_name"] = displayName,
            ["language"] = "C#",
            ["interrupt_mode"] = "message",
            ["env"] = new JsonObject { ["DOTNET_ROOT"] = Path.GetDirectoryName(DotNet()) },
            ["metadata"] = new JsonObject { ["debugger"] = false, ["installed_by"] = OwnName },
        };
        File.WriteAllText(Spec(folder), spec.ToJsonString(Indented) + "\n");
        foreach (string logo in Logos)
        {
            using var picture = typeof(KernelSpecs).Assembly.GetManifestResourceStream(logo)!;
            using var file = File.Create(Path.Combine(folder, logo));
            picture.CopyTo(file);
        }
        return folder;
    }

    private static bool IsOurs(string folder)
    {
        try
        {
            return (string?)JsonNode.Parse(File.ReadAllText(Spec(folder)))?["metadata"]?["installed_by"] == OwnName;
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The dotnet that runs this: three folders above its runtime.</summary>
    private static string DotNet() =>
        Path.GetFullPath(
            Path.Combine(
                RuntimeEnvironment.GetRuntimeDirectory(),
                "..",
                "..",
                "..",
                OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"
            )
        );

    private static string Spec(string folder) => Path.Combine(folder, "kernel.json");

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    [GeneratedRegex(@"^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
    private static partial Regex AllowedName();
}
