using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace CsNotebook.Engine;

/// <summary>
/// Where a session's assemblies live: its compiled cells, the dlls they reference, the packages they ask for. The
/// framework comes from the process; the kernel's own libraries are not seen unless nothing else has the name.
/// </summary>
internal sealed class CellLoadContext(string workFolder) : AssemblyLoadContext("cells", isCollectible: false)
{
    private static readonly string Framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
    private static readonly string Kernel = typeof(CellLoadContext).Assembly.GetName().Name!;

    private readonly List<ShadowFolder> _folders = [];
    private readonly Dictionary<string, string> _packaged = new(StringComparer.OrdinalIgnoreCase);
    private readonly ShadowFolder _packagedNatives = new(Path.Combine(workFolder, "natives"));
    private readonly Dictionary<string, nint> _natives = new(StringComparer.Ordinal);

    /// <summary>The shadow of a dll's folder, made on first use.</summary>
    public ShadowFolder Shadow(string folder)
    {
        lock (_folders)
        {
            if (_folders.Find(f => f.Source == folder) is { } known)
                return known;
            var made = new ShadowFolder(folder, Path.Combine(workFolder, "shadow", $"{_folders.Count}"));
            _folders.Add(made);
            return made;
        }
    }

    /// <summary>
    /// The dll that lies beside one that a cell referenced, if it can stand for that of a package: it has its name, and
    /// is no older. Else null. One session has one assembly of a name, and the one that cells chose is it.
    /// </summary>
    public string? InPlaceOf(string packaged)
    {
        lock (_folders)
        {
            return _folders
                .Select(f => Path.Combine(f.Source, Path.GetFileName(packaged)))
                .FirstOrDefault(own => File.Exists(own) && VersionOf(own) >= VersionOf(packaged));
        }
    }

    /// <summary>
    /// Lets an assembly of a package be found. Packages do not change on disk, so these are loaded in place.
    /// </summary>
    public void AddPackaged(string path) => _packaged.TryAdd(Path.GetFileNameWithoutExtension(path), path);

    /// <summary>
    /// Lets a native library of a package be found, where none of its name lies beside a referenced dll. Those of all
    /// packages lie in one folder, as beside a program: one looks for another there.
    /// </summary>
    public void AddPackagedNative(string path) => _packagedNatives.Link(path);

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName name)
    {
        // A copy of the kernel beside a referenced dll would be another kernel, whose display() leads nowhere.
        if (name.Name is not { } simple || simple == Kernel || File.Exists(Path.Combine(Framework, simple + ".dll")))
            return null;
        if (Find(simple, name.CultureName) is { } path)
            return LoadFromAssemblyPath(path);
        return null;
    }

    /// <inheritdoc/>
    protected override nint LoadUnmanagedDll(string name)
    {
        // The runtime asks anew for each function, the last time in a finalizer while the session ends: a name stays
        // what it was, or that one would find the package's other file, or none.
        lock (_natives)
        {
            if (!_natives.TryGetValue(name, out nint library) && LoadNative(name) is var found and not 0)
                library = _natives[name] = found;
            return library;
        }
    }

    private nint LoadNative(string name)
    {
        foreach (
            string file in new[]
            {
                name,
                $"lib{name}.so",
                $"{name}.so",
                $"{name}.dll",
                $"lib{name}.dylib",
                $"{name}.dylib",
            }
        )
        {
            if (FindNative(file) is { } path)
                return NativeLibrary.Load(path);
        }
        return 0;
    }

    private string? Find(string simple, string? culture)
    {
        lock (_folders)
        {
            foreach (var folder in _folders)
            {
                string dll = string.IsNullOrEmpty(culture) ? simple + ".dll" : Path.Combine(culture, simple + ".dll");
                if (folder.Find(dll) is { } satellite)
                    return satellite;
                if (string.IsNullOrEmpty(culture) && folder.Copy(dll) is { } copy)
                    return copy;
            }
        }
        return string.IsNullOrEmpty(culture) ? _packaged.GetValueOrDefault(simple) : null;
    }

    private string? FindNative(string file)
    {
        lock (_folders)
        {
            return _folders
                    .SelectMany(f =>
                        new[]
                        {
                            f.Find(file),
                            f.Find(Path.Combine("runtimes", RuntimeInformation.RuntimeIdentifier, "native", file)),
                        }
                    )
                    .FirstOrDefault(p => p is not null)
                ?? _packagedNatives.Find(file);
        }
    }

    private static Version VersionOf(string dll) => AssemblyName.GetAssemblyName(dll).Version ?? new Version();
}
