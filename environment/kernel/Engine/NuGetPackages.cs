using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security;
using System.Text.Json;

namespace CsNotebook.Engine;

/// <summary>Restores packages with the machine's dotnet, native assets included.</summary>
/// <param name="folder">where the restoring project lies.</param>
internal sealed class NuGetPackages(string folder)
{
    private readonly List<string> _sources = [];
    private readonly Dictionary<string, string> _wanted = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> _resolved = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What a package brings.</summary>
    /// <param name="Package">its name and version, <c>Name/1.2.3</c>.</param>
    /// <param name="Compile">assemblies to compile against.</param>
    /// <param name="Runtime">assemblies to load.</param>
    /// <param name="Native">native libraries for this machine.</param>
    public sealed record Assets(
        string Package,
        IReadOnlyList<string> Compile,
        IReadOnlyList<string> Runtime,
        IReadOnlyList<string> Native
    );

    /// <summary>Adds a source: an address, or a folder.</summary>
    public void AddSource(string source)
    {
        string full = Directory.Exists(source) ? Path.GetFullPath(source) : source;
        if (!full.Contains("://", StringComparison.Ordinal) && !Directory.Exists(full))
            throw CellException.Directive(
                $"The NuGet source {source} is neither an address nor a folder that is there."
            );
        if (!_sources.Contains(full))
            _sources.Add(full);
    }

    /// <summary>Adds a package and restores it together with those asked for before.</summary>
    /// <param name="name">the package.</param>
    /// <param name="version">a version or range in NuGet's notation; <c>*</c> for the newest.</param>
    /// <param name="stop">stops the restore.</param>
    /// <returns>What is new: the package itself and what it depends on.</returns>
    public IReadOnlyList<Assets> Restore(string name, string version, CancellationToken stop)
    {
        _wanted.TryGetValue(name, out string? before);
        if (before == version || (before is not null && version == "*"))
            return [];
        _wanted[name] = version;
        try
        {
            WriteProject();
            Run(["restore", "--nologo", "-v:quiet", "packages.csproj"], stop);
            return ReadAssets(stop);
        }
        catch
        {
            if (before is null)
                _wanted.Remove(name);
            else
                _wanted[name] = before;
            throw;
        }
    }

    private void WriteProject()
    {
        Directory.CreateDirectory(folder);
        // Empty ones, so that no file of a folder above has a say.
        foreach (
            string empty in new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" }
        )
            File.WriteAllText(Path.Combine(folder, empty), "<Project />");
        string references = string.Concat(
            _wanted.Select(p =>
                $"    <PackageReference Include=\"{SecurityElement.Escape(p.Key)}\" "
                + $"Version=\"{SecurityElement.Escape(p.Value)}\" />\n"
            )
        );
        File.WriteAllText(
            Path.Combine(folder, "packages.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net{Environment.Version.Major}.{Environment.Version.Minor}</TargetFramework>
                <RuntimeIdentifier>{RuntimeInformation.RuntimeIdentifier}</RuntimeIdentifier>
                <SelfContained>false</SelfContained>
                <UseAppHost>false</UseAppHost>
                <NuGetAudit>false</NuGetAudit>
                <RestoreAdditionalProjectSources>{SecurityElement.Escape(
                string.Join(';', _sources)
            )}</RestoreAdditionalProjectSources>
                <RestoreRootConfigDirectory>{SecurityElement.Escape(
                Environment.CurrentDirectory
            )}</RestoreRootConfigDirectory>
              </PropertyGroup>
              <ItemGroup>
            {references}  </ItemGroup>
            </Project>
            """
        );
    }

    private string Run(IEnumerable<string> arguments, CancellationToken stop)
    {
        var start = new ProcessStartInfo(DotNet, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The variables with which a running SDK marks its children would lead this one astray.
        foreach (
            string name in start
                .Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase))
                .ToList()
        )
            start.Environment.Remove(name);
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(start) ?? throw CellException.Directive($"{DotNet} did not start.");
        using var kill = stop.Register(() => process.Kill(entireProcessTree: true));
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        string answer = process.StandardOutput.ReadToEnd(),
            output = answer + error.GetAwaiter().GetResult();
        process.WaitForExit();
        stop.ThrowIfCancellationRequested();
        if (process.ExitCode == 0)
            return answer;
        var reasons = output
            .Split('\n')
            .Select(l =>
                l.Contains("error ", StringComparison.Ordinal) ? l[l.IndexOf("error ", StringComparison.Ordinal)..] : ""
            )
            .Select(l =>
                l.Contains(" [/", StringComparison.Ordinal) ? l[..l.IndexOf(" [/", StringComparison.Ordinal)] : l
            )
            .Where(l => l.Length > 0)
            .Distinct();
        throw CellException.Directive(
            $"dotnet could not restore {string.Join(", ", _wanted.Select(p => $"{p.Key} {p.Value}"))}: "
                + (string.Join("; ", reasons) is { Length: > 0 } text ? text : output.Trim())
        );
    }

    private List<Assets> ReadAssets(CancellationToken stop)
    {
        using var stream = File.OpenRead(Path.Combine(folder, "obj", "project.assets.json"));
        using var json = JsonDocument.Parse(stream);
        string[] packageFolders =
        [
            .. json.RootElement.GetProperty("packageFolders").EnumerateObject().Select(p => p.Name),
        ];
        var target = json.RootElement.GetProperty("targets").EnumerateObject().Last(t => t.Name.Contains('/')).Value;
        string Root(JsonProperty package)
        {
            var library = json.RootElement.GetProperty("libraries").GetProperty(package.Name);
            string path = library.GetProperty("path").GetString()!;
            return packageFolders.Select(f => Path.Combine(f, path)).FirstOrDefault(Directory.Exists)
                ?? Path.Combine(packageFolders[0], path);
        }
        bool changed = target.EnumerateObject().Any(package => ChangesAssets(package.Value, Root(package)));
        var built = changed ? AskBuild(stop) : null;
        var fresh = new List<Assets>();
        foreach (var package in target.EnumerateObject())
        {
            string[] name = package.Name.Split('/');
            if (
                _wanted.TryGetValue(name[0], out string? asked)
                && char.IsAsciiDigit(asked[0])
                && !asked.Contains('*')
                && Whole(asked) != Whole(name[1])
            )
                throw CellException.Directive(
                    $"{name[0]} {asked} is in no package source; the next one there is {name[1]}: write #r "
                        + $"\"nuget: {name[0]}, {name[1]}\" to take it."
                );
            if (_resolved.TryGetValue(name[0], out string? version))
            {
                if (version != name[1])
                    throw CellException.Directive(
                        $"{name[0]} {name[1]} is asked for, but this session has loaded {version}; restart "
                            + "the kernel to change it."
                    );
                continue;
            }
            string root = Root(package);
            fresh.Add(new(package.Name, Files("compile"), Files("runtime"), Files("native")));

            IReadOnlyList<string> Files(string kind) =>
                built is not null
                    ?
                    [
                        .. from file in built[kind]
                        where file.Package.Equals(name[0], StringComparison.OrdinalIgnoreCase)
                        select file.Path,
                    ]
                    : FilesOf(package.Value, kind, root);
        }
        foreach (var assets in fresh)
            _resolved[assets.Package.Split('/')[0]] = assets.Package.Split('/')[1];
        return fresh;
    }

    private static IReadOnlyList<string> FilesOf(JsonElement package, string kind, string root) =>
        package.TryGetProperty(kind, out var files)
            ?
            [
                .. files
                    .EnumerateObject()
                    .Where(f => Path.GetFileName(f.Name) != "_._")
                    .Select(f => Path.Combine(root, f.Name)),
            ]
            : [];

    /// <summary>
    /// Whether a package has a say in which files a build takes: it then puts others in the place of those that NuGet
    /// names.
    /// </summary>
    private static bool ChangesAssets(JsonElement package, string root) =>
        FilesOf(package, "build", root)
            .Where(f => f.EndsWith(".targets", StringComparison.Ordinal))
            .Any(f => File.ReadAllText(f).Contains("ResolvePackageAssets", StringComparison.Ordinal));

    /// <summary>The files that a build takes, each with its package.</summary>
    private Dictionary<string, List<(string Package, string Path)>> AskBuild(CancellationToken stop)
    {
        (string Kind, string Item)[] kinds =
        [
            ("compile", "ResolvedCompileFileDefinitions"),
            ("runtime", "RuntimeCopyLocalItems"),
            ("native", "NativeCopyLocalItems"),
        ];
        string[] items = [.. kinds.Select(kind => $"-getItem:{kind.Item}")];
        string answer = Run(["msbuild", "packages.csproj", "-nologo", "-t:ResolvePackageAssets", .. items], stop);
        using var json = JsonDocument.Parse(answer);
        return kinds.ToDictionary(
            kind => kind.Kind,
            kind =>
                json.RootElement.GetProperty("Items")
                    .GetProperty(kind.Item)
                    .EnumerateArray()
                    .Select(f => (f.GetProperty("NuGetPackageId").GetString()!, f.GetProperty("FullPath").GetString()!))
                    .ToList()
        );
    }

    // 1.2 and 1.2.0.0 are one version to NuGet, which takes the next higher where a source has not the one asked for.
    private static string Whole(string version)
    {
        string numbers = version.Split('-', '+')[0],
            label = version[numbers.Length..].Split('+')[0];
        while (numbers.EndsWith(".0", StringComparison.Ordinal))
            numbers = numbers[..^2];
        return (numbers + label).ToLowerInvariant();
    }

    /// <summary>The dotnet that runs this process, or the one on the path.</summary>
    private static string DotNet
    {
        get
        {
            string name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
            string own = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../..", name));
            return File.Exists(own) ? own : name;
        }
    }
}
