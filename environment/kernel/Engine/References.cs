using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using Microsoft.CodeAnalysis;

namespace CsNotebook.Engine;

/// <summary>What cells are compiled against: the framework that runs them, and what they referenced since.</summary>
internal sealed class References
{
    private static readonly string Framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;

    private readonly Dictionary<string, (string Path, byte[] Hash)> _added = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The references, in the order in which they came.</summary>
    public IReadOnlyList<MetadataReference> All { get; private set; } = [.. FrameworkReferences()];

    /// <summary>The path of a framework assembly, named with or without .dll, or null.</summary>
    public static string? FrameworkAssembly(string name)
    {
        string file = name.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? name : name + ".dll";
        return Path.Combine(Framework, Path.GetFileName(file)) is var path && File.Exists(path) ? path : null;
    }

    /// <summary>
    /// Adds a dll, and of those that it refers to what lies beside it: were one of them added later, the compiler would
    /// take this dll, whose references are then other ones, for another, and its types in earlier cells for other
    /// types. The bytes are read here and now; no file is held. The same name again is fine if the bytes are the same.
    /// </summary>
    /// <exception cref="CellException">An assembly of that name but other content is in use.</exception>
    public void Add(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        byte[] image = File.ReadAllBytes(path),
            hash = System.Security.Cryptography.SHA256.HashData(image);
        if (_added.TryGetValue(name, out var known))
        {
            if (known.Hash.AsSpan().SequenceEqual(hash))
                return;
            throw CellException.Directive(
                known.Path == path
                    ? $"{path} has changed since this session loaded it; restart the kernel to use the new one."
                    : $"{path} cannot be used: this session has loaded another {name} from {known.Path}; "
                        + "restart the kernel to change it."
            );
        }
        _added.Add(name, (path, hash));
        foreach (string needed in Needed(image).Select(n => Path.Combine(Path.GetDirectoryName(path)!, n + ".dll")))
        {
            if (
                !_added.ContainsKey(Path.GetFileNameWithoutExtension(needed))
                && FrameworkAssembly(needed) is null
                && File.Exists(needed)
            )
                Add(needed);
        }
        string docs = Path.ChangeExtension(path, ".xml");
        // Packages made for .NET Interactive bring its assemblies along, whose Kernel and display would stand beside
        // this kernel's own: under an alias they are there for the package, and cells do not see them.
        var properties = name.StartsWith("Microsoft.DotNet.Interactive", StringComparison.OrdinalIgnoreCase)
            ? new MetadataReferenceProperties(aliases: ["interactive"])
            : default;
        All =
        [
            .. All,
            MetadataReference.CreateFromImage(
                image,
                properties,
                documentation: File.Exists(docs) ? XmlDocumentationProvider.CreateFromFile(docs) : null,
                filePath: path
            ),
        ];
    }

    private static IEnumerable<string> Needed(byte[] image)
    {
        using var reader = new PEReader(ImmutableCollectionsMarshal.AsImmutableArray(image));
        if (!reader.HasMetadata)
            return [];
        var metadata = reader.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(r => metadata.GetString(metadata.GetAssemblyReference(r).Name))];
    }

    private static IEnumerable<MetadataReference> FrameworkReferences()
    {
        foreach (string path in Directory.EnumerateFiles(Framework, "*.dll").Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            if (IsManaged(name))
                yield return MetadataReference.CreateFromFile(path, documentation: new FrameworkDocumentation(name));
        }
        yield return MetadataReference.CreateFromImage(KernelImage(), filePath: typeof(References).Assembly.Location);
    }

    /// <summary>
    /// The kernel as cells see it: what it needs itself (System.CommandLine, say) goes by names that no package has.
    /// Were one of them to turn up later, the compiler would take the kernel for another assembly than before, and
    /// display for two methods.
    /// </summary>
    private static byte[] KernelImage()
    {
        byte[] image = File.ReadAllBytes(typeof(References).Assembly.Location);
        using var file = new PEReader(new MemoryStream(image, writable: false));
        var metadata = file.GetMetadataReader();
        int strings = file.PEHeaders.MetadataStartOffset + metadata.GetHeapMetadataOffset(HeapIndex.String);
        foreach (var name in metadata.AssemblyReferences.Select(r => metadata.GetAssemblyReference(r).Name))
        {
            if (FrameworkAssembly(metadata.GetString(name)) is null)
                image[strings + metadata.GetHeapOffset(name)] = (byte)'_';
        }
        return image;
    }

    private static bool IsManaged(string name) =>
        name is "mscorlib" or "netstandard" or "WindowsBase"
        || (
            (
                name.StartsWith("System", StringComparison.Ordinal)
                || name.StartsWith("Microsoft.", StringComparison.Ordinal)
            )
            && !name.EndsWith(".Native", StringComparison.Ordinal)
            && !name.StartsWith("Microsoft.DiaSymReader", StringComparison.Ordinal)
        );
}
