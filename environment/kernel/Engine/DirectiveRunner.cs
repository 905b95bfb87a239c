namespace CsNotebook.Engine;

/// <summary>Does what a cell's directives say, but for those that import other cells.</summary>
internal sealed class DirectiveRunner(
    CellLoadContext context,
    References references,
    NuGetPackages packages,
    Func<IReadOnlyList<Variable>> variables
)
{
    /// <summary>Does what a directive says.</summary>
    /// <param name="directive">the directive.</param>
    /// <param name="folder">what paths in it are relative to.</param>
    /// <param name="output">where it shows something.</param>
    /// <param name="stop">stops the restoring of packages.</param>
    /// <exception cref="CellException">It is unknown, or names something that is not there.</exception>
    public void Follow(CellPart.Directive directive, string folder, CellOutput output, CancellationToken stop)
    {
        switch (directive.Name)
        {
            case "#r":
                Reference(directive, folder, output, stop);
                break;
            case "#i":
                packages.AddSource(
                    NuGet(directive.Quoted())
                        ?? throw CellException.Directive(
                            $"#i \"{directive.Quoted()}\" names no package source; write #i \"nuget: "
                                + "ADDRESS OR FOLDER\".",
                            directive.Line
                        )
                );
                break;
            case "#!about":
                output.Display(About.Bundle, null, update: false);
                break;
            case "#!who":
                output.Display(
                    new MimeBundle("text/plain", string.Join(", ", variables().Select(v => v.Name))),
                    null,
                    update: false
                );
                break;
            case "#!whos":
                output.Display(SessionVariables.Table(variables()), null, update: false);
                break;
            case "#!lsmagic":
                output.Display(
                    new MimeBundle("text/plain", string.Join('\n', CellParser.Directives)),
                    null,
                    update: false
                );
                break;
            case "#!time":
                break;
            default:
                throw CellException.Directive(
                    $"{directive.Name} is not known here; the directives "
                        + $"are {string.Join(", ", CellParser.Directives)}.",
                    directive.Line
                );
        }
    }

    private void Reference(CellPart.Directive directive, string folder, CellOutput output, CancellationToken stop)
    {
        string target = directive.Quoted();
        int line = directive.Line;
        if (NuGet(target) is { } package)
        {
            ReferencePackage(package, line, output, stop);
            return;
        }
        string path = Path.GetFullPath(Path.Combine(folder, target));
        if (File.Exists(path))
        {
            context.Shadow(Path.GetDirectoryName(path)!);
            references.Add(path);
        }
        else if (References.FrameworkAssembly(target) is null)
        {
            throw CellException.Directive(
                $"#r \"{target}\": there is no file {path}; name a dll that is there, or a package as "
                    + "#r \"nuget: NAME, VERSION\".",
                line
            );
        }
    }

    private void ReferencePackage(string package, int line, CellOutput output, CancellationToken stop)
    {
        string[] parts = package.Split(',', 2, StringSplitOptions.TrimEntries);
        if (parts[0].Length == 0)
            throw CellException.Directive("#r \"nuget:\" names no package; write #r \"nuget: NAME, VERSION\".", line);
        var fresh = packages.Restore(parts[0], parts.Length > 1 && parts[1].Length > 0 ? parts[1] : "*", stop);
        foreach (var assets in fresh)
        {
            foreach (string path in assets.Runtime.Where(p => context.InPlaceOf(p) is null))
                context.AddPackaged(path);
            foreach (string path in assets.Native)
                context.AddPackagedNative(path);
            foreach (
                string path in assets.Compile.Where(p => References.FrameworkAssembly(Path.GetFileName(p)) is null)
            )
                references.Add(context.InPlaceOf(path) ?? path);
        }
        if (
            fresh.FirstOrDefault(a => a.Package.StartsWith(parts[0] + "/", StringComparison.OrdinalIgnoreCase)) is
            { } own
        )
            output.Display(new MimeBundle("text/plain", Installed(own)), null, update: false);
    }

    private string Installed(NuGetPackages.Assets assets)
    {
        string package = assets.Package.Replace('/', ' ');
        return assets.Runtime.Select(context.InPlaceOf).FirstOrDefault(path => path is not null) is { } path
            ? $"{package} is here already: {path}"
            : $"Installed {package}";
    }

    private static string? NuGet(string target) =>
        target.StartsWith("nuget:", StringComparison.OrdinalIgnoreCase) ? target["nuget:".Length..].Trim() : null;
}
