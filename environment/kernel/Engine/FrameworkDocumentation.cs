using System.Globalization;
using System.Xml;
using Microsoft.CodeAnalysis;

namespace CsNotebook.Engine;

/// <summary>
/// The framework's XML documentation, from the reference pack of an SDK where one is installed. The pack splits it by
/// reference assembly, the running framework by implementation: an assembly's own file is asked first, then the others.
/// </summary>
internal sealed class FrameworkDocumentation(string assembly) : DocumentationProvider
{
    private static readonly string? Pack = FindPack();
    private static readonly Dictionary<string, Dictionary<string, string>> Files = [];

    public override bool Equals(object? obj) => obj is FrameworkDocumentation other && other.Assembly == Assembly;

    public override int GetHashCode() => Assembly.GetHashCode(StringComparison.Ordinal);

    private string Assembly => assembly;

    protected override string? GetDocumentationForSymbol(
        string documentationMemberID,
        CultureInfo preferredCulture,
        CancellationToken cancellationToken = default
    )
    {
        if (Pack is null)
            return null;
        string[] likely = [Path.Combine(Pack, assembly + ".xml"), Path.Combine(Pack, "System.Runtime.xml")];
        return likely
            .Concat(Directory.EnumerateFiles(Pack, "System*.xml").Order(StringComparer.Ordinal))
            .Select(file => Members(file).GetValueOrDefault(documentationMemberID))
            .FirstOrDefault(xml => xml is not null);
    }

    private static Dictionary<string, string> Members(string file)
    {
        lock (Files)
        {
            if (Files.TryGetValue(file, out var known))
                return known;
            var members = new Dictionary<string, string>(StringComparer.Ordinal);
            if (File.Exists(file))
            {
                using var reader = XmlReader.Create(file);
                while (!reader.EOF)
                {
                    if (
                        reader.NodeType == XmlNodeType.Element
                        && reader.Name == "member"
                        && reader.GetAttribute("name") is { } id
                    )
                        members[id] = reader.ReadOuterXml();
                    else
                        reader.Read();
                }
            }
            return Files[file] = members;
        }
    }

    private static string? FindPack()
    {
        string runtime = System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory();
        string packs = Path.GetFullPath(Path.Combine(runtime, "../../../packs/Microsoft.NETCore.App.Ref"));
        string target = $"net{Environment.Version.Major}.{Environment.Version.Minor}";
        return Directory.Exists(packs)
            ? Directory
                .EnumerateDirectories(packs)
                .Select(p => Path.Combine(p, "ref", target))
                .FirstOrDefault(Directory.Exists)
            : null;
    }
}
