using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace PatchKit.Display.Formatting;

/// <summary>
/// Mends live displays in .NET Interactive. There <c>display(value)</c> shows the value under one name and gives a
/// handle of another, so that what its <c>Update</c> publishes never arrives. Its own
/// <c>KernelInvocationContextExtensions.Display</c> keeps to one name, so the session gets a <c>display</c> that calls
/// it, from the first cell after the one that uses PatchKit; every later cell finds that one before the tool's.
/// </summary>
internal static class InteractiveSession
{
    /// <summary>The tool's program, in Jupyter and in VS Code.</summary>
    private const string Program = "Microsoft.DotNet.Interactive.App";

    private const string Library = "Microsoft.DotNet.Interactive";

    /// <summary>What is run in the session, between two cells.</summary>
    internal const string Mend = """
        Microsoft.DotNet.Interactive.Formatting.DisplayedValue display(object value, params string[] mimeTypes) =>
            Microsoft.DotNet.Interactive.KernelInvocationContextExtensions.Display(
                Microsoft.DotNet.Interactive.KernelInvocationContext.Current, value, mimeTypes);
        """;

    // The first use of anything in PatchKit; in a notebook that is in a cell, whose context says which kernel runs it.
    [ModuleInitializer]
    internal static void Begin()
    {
        if (Assembly.GetEntryAssembly()?.GetName().Name != Program)
            return;
        var tool = AssemblyLoadContext.Default.Assemblies.FirstOrDefault(known => known.GetName().Name == Library);
        if (tool is not null)
            Defer(tool);
    }

    /// <summary>
    /// Puts <see cref="Mend"/> before the next cell of the session that runs now. Another version of the tool may lack
    /// what is called here: displays then stay as it makes them.
    /// </summary>
    /// <returns>Whether it was put there.</returns>
    internal static bool Defer(Assembly tool)
    {
        var context = tool.GetType($"{Library}.KernelInvocationContext")?.GetProperty("Current")?.GetValue(null);
        object? kernel = context?.GetType().GetProperty("HandlingKernel")?.GetValue(context);
        var command = tool.GetType($"{Library}.Commands.SubmitCode")?.GetConstructor([typeof(string), typeof(string)]);
        if (kernel?.GetType() is not { Name: "CSharpKernel" } type || command is null)
            return false;
        if (type.GetMethod("DeferCommand") is not { } defer)
            return false;
        defer.Invoke(kernel, [command.Invoke([Mend, null])]);
        return true;
    }
}
