using System.Diagnostics;
using System.Text.RegularExpressions;

namespace CsNotebook.Engine;

/// <summary>Puts what a cell threw into words: the failing line of the cell, and the calls that led there.</summary>
internal static partial class Tracebacks
{
    private const int MaxCalls = 40;

    private static readonly string[] UsualWords =
    [
        new OperationCanceledException().Message,
        new TaskCanceledException().Message,
    ];

    private static readonly string[] Plumbing =
    [
        "CsNotebook.Engine.",
        "System.Runtime.CompilerServices.",
        "System.Runtime.ExceptionServices.",
    ];

    /// <param name="thrown">what was thrown.</param>
    /// <param name="cell">the cell that ran.</param>
    /// <param name="sources">the lines of all cells so far, by name.</param>
    /// <param name="stopped">whether the cell was asked to stop.</param>
    public static CellError Describe(
        Exception thrown,
        string cell,
        IReadOnlyDictionary<string, string[]> sources,
        bool stopped
    )
    {
        if (thrown is CellException refused)
        {
            string place = refused.Line is { } at ? $"{cell}, line {at}: " : "";
            return new(
                refused.Name,
                refused.Message,
                refused.Details is { Count: > 0 } details ? details : [place + refused.Message],
                refused.Line
            );
        }
        thrown = Unwrapped(thrown);
        var frames = Frames(thrown);
        int? line = frames.Where(f => f.Cell == cell).Select(f => (int?)f.Line).FirstOrDefault();
        if (stopped)
        {
            string where = "The cell was stopped" + (line is { } at ? $" in line {at}" : "") + Said(thrown) + ".";
            return new("KeyboardInterrupt", where, [where, .. Excerpt(cell, line, sources)], line);
        }
        var traceback = new List<string>();
        for (var e = thrown; e is not null; e = e.InnerException)
            traceback.Add($"{(e == thrown ? "" : "  caused by ")}{e.GetType().FullName}: {e.Message}");
        traceback.AddRange(Excerpt(cell, line, sources));
        for (var e = thrown; e is not null; e = e.InnerException)
        {
            var calls = e == thrown ? frames : Frames(e);
            if (e != thrown && calls.Count > 0)
                traceback.Add($"  {e.GetType().Name} came from");
            traceback.AddRange(Condensed(calls));
        }
        return new(thrown.GetType().Name, thrown.Message, traceback, line);
    }

    /// <summary>What a library says that ended on the token: what it saved, for instance.</summary>
    private static string Said(Exception thrown) =>
        thrown is OperationCanceledException and not CellStoppedException && !UsualWords.Contains(thrown.Message)
            ? $": {thrown.Message.TrimEnd('.')}"
            : "";

    private static Exception Unwrapped(Exception thrown) =>
        thrown switch
        {
            AggregateException { InnerExceptions: [var only] } => Unwrapped(only),
            System.Reflection.TargetInvocationException { InnerException: { } inner } => Unwrapped(inner),
            _ => thrown,
        };

    private static IEnumerable<string> Excerpt(string cell, int? line, IReadOnlyDictionary<string, string[]> sources)
    {
        if (line is not { } at || !sources.TryGetValue(cell, out string[]? lines))
            yield break;
        yield return $"{cell}, line {at}:";
        for (int n = Math.Max(1, at - 1); n <= Math.Min(lines.Length, at + 1); n++)
            yield return $"{(n == at ? "--> " : "    ")}{n, 3} | {lines[n - 1]}";
    }

    /// <summary>Calls as lines; a recursion is told once, with how often.</summary>
    private static IReadOnlyList<string> Condensed(List<Frame> calls)
    {
        var lines = new List<string>();
        for (int i = 0, same; i < calls.Count; i += same)
        {
            for (same = 1; i + same < calls.Count && calls[i + same] == calls[i]; same++) { }
            lines.Add($"   at {calls[i].Text}{(same > 1 ? $" ({same} times)" : "")}");
        }
        return lines.Count <= MaxCalls
            ? lines
            : [.. lines.Take(MaxCalls / 2), $"   ... {lines.Count - MaxCalls} more", .. lines.TakeLast(MaxCalls / 2)];
    }

    private static List<Frame> Frames(Exception e)
    {
        var frames = new List<Frame>();
        foreach (var frame in new StackTrace(e, fNeedFileInfo: true).GetFrames())
        {
            if (frame.GetMethod() is not { } method)
                continue;
            string type = method.DeclaringType?.FullName ?? "";
            if (Plumbing.Any(p => type.StartsWith(p, StringComparison.Ordinal)))
                continue;
            bool own = type.Contains("Submission#", StringComparison.Ordinal);
            if (own && method.Name == "<Factory>")
                continue;
            string name = own ? OwnName(type, method.Name) : $"{type}.{method.Name}";
            string? file = frame.GetFileName();
            int line = frame.GetFileLineNumber();
            string parameters =
                name.Length == 0
                    ? ""
                    : $"({string.Join(", ", method.GetParameters().Select(p => p.ParameterType.Name))})";
            string place =
                line == 0 ? ""
                : own ? $"{file}, line {line}"
                : $"{file}:{line}";
            string text =
                name.Length == 0 ? place
                : place.Length == 0 ? name + parameters
                : $"{name}{parameters}, {place}";
            if (text.Length > 0)
                frames.Add(new(own ? file : null, line, text));
        }
        return frames;
    }

    /// <summary>
    /// The name a cell's author knows: compilers' names for iterators, lambdas and local functions undone.
    /// </summary>
    private static string OwnName(string type, string method)
    {
        string name = $"{SubmissionClass().Replace(type, "")}.{method}";
        if (name.Contains("<<Initialize>>", StringComparison.Ordinal) && !LocalFunction().IsMatch(method))
            return "";
        if (LocalFunction().Match(method) is { Success: true } local)
            return local.Groups[1].Value;
        if (method.Contains(">b__", StringComparison.Ordinal))
            return "a lambda";
        if (StateMachine().Match(type) is { Success: true } machine)
            return machine.Groups[1].Value;
        return name.TrimStart('.').Replace('+', '.');
    }

    [GeneratedRegex(@">g__([^|]+)\|")]
    private static partial Regex LocalFunction();

    [GeneratedRegex(@"<([^<>]+)>d__\d+$")]
    private static partial Regex StateMachine();

    [GeneratedRegex(@"^.*?Submission#\d+\+?")]
    private static partial Regex SubmissionClass();

    private sealed record Frame(string? Cell, int Line, string Text);
}
