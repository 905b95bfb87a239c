using System.Reflection;

namespace PatchKit.Display;

/// <summary>
/// Something on show in a notebook that can be replaced, in every C# kernel: a chart that grows, a line of progress. In csnotebook it is what <c>display</c> gives. In .NET Interactive,
/// whose own handle updates a display of another name than it made, it publishes what is shown and what replaces it under one name.
/// <code>
/// var chart = Live.Show(Curves());
/// chart.Update(Curves());
/// </code>
/// PatchKit refers to no kernel, so that the kernel is found by the names of its types. Outside a notebook nothing is shown.
/// </summary>
public sealed class Live
{
    private const string Interactive = "Microsoft.DotNet.Interactive";

    private readonly Action<object> _update;

    private Live(Action<object> update) => _update = update;

    /// <summary>Shows a value at once.</summary>
    /// <param name="value">any value that the kernel can show.</param>
    /// <param name="mimeTypes">the wanted representations; none means the value's own choice.</param>
    public static Live Show(object value, params string[] mimeTypes)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new Live(InInteractive(value, mimeTypes) ?? ByDisplay(value, mimeTypes) ?? (_ => { }));
    }

    /// <summary>Shows another value in its place.</summary>
    /// <param name="value">the value.</param>
    public void Update(object value) => _update(value);

    // The .NET Interactive tool: its events, by one name of our own.
    private static Action<object>? InInteractive(object value, string[] mimeTypes)
    {
        if (Find($"{Interactive}.KernelInvocationContext")?.GetProperty("Current") is not { } current || current.GetValue(null) is not { } shownIn) return null;
        var kernel = shownIn.GetType().Assembly;
        Type produced = kernel.GetType($"{Interactive}.Events.DisplayedValueProduced", throwOnError: true)!, updated = kernel.GetType($"{Interactive}.Events.DisplayedValueUpdated", throwOnError: true)!;
        // Its formatters are in an assembly of their own, which the first has loaded.
        var format = (Find($"{Interactive}.FormattedValue") ?? Find($"{Interactive}.Formatting.FormattedValue"))!.GetMethod("CreateManyFromObject", [typeof(object), typeof(string[])])!;
        string name = Guid.NewGuid().ToString("N");
        Publish(produced, value);
        return next => Publish(updated, next);

        // DisplayedValueProduced(value, command, formattedValues, valueId) and DisplayedValueUpdated(value, valueId, command, formattedValues)
        void Publish(Type kind, object shown)
        {
            object context = current.GetValue(null) ?? shownIn, command = context.GetType().GetProperty("Command")!.GetValue(context)!, formatted = ToArray(format.Invoke(null, [shown, mimeTypes])!);
            object[] arguments = kind == produced ? [shown, command, formatted, name] : [shown, name, command, formatted];
            object happened = Activator.CreateInstance(kind, arguments)!;
            context.GetType().GetMethod("Publish", [kind.BaseType!.BaseType!])!.Invoke(context, [happened]);
        }
    }

    // csnotebook, whose handles work.
    private static Action<object>? ByDisplay(object value, string[] mimeTypes)
    {
        if (Find($"{Interactive}.Kernel")?.GetMethod("display", [typeof(object), typeof(string[])]) is not { } display || display.Invoke(null, [value, mimeTypes]) is not { } handle) return null;
        return handle.GetType().GetMethod("Update", [typeof(object)])!.CreateDelegate<Action<object>>(handle);
    }

    private static Array ToArray(object values)
    {
        object[] all = [.. ((System.Collections.IEnumerable)values).Cast<object>()];
        var array = Array.CreateInstance(all.Length > 0 ? all[0].GetType() : typeof(object), all.Length);
        all.CopyTo(array, 0);
        return array;
    }

    private static Type? Find(string name) => AppDomain.CurrentDomain.GetAssemblies().Where(IsKernel).Select(assembly => assembly.GetType(name)).FirstOrDefault(type => type is { IsPublic: true });

    private static bool IsKernel(Assembly assembly) => !assembly.IsDynamic && (assembly.GetName().Name is { } name) && (name == "csnotebook" || name.StartsWith(Interactive, StringComparison.Ordinal));
}
