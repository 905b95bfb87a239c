using System.Text.RegularExpressions;

namespace PatchKit.Cli;

/// <summary>An exception's sentence; where .NET's own words would mislead, the matter itself.</summary>
internal static partial class FailureSentence
{
    internal static string Of(Exception exception) =>
        exception switch
        {
            // What .NET calls denied is as often a folder where a file is wanted.
            UnauthorizedAccessException
                when Quoted().Match(exception.Message) is { Success: true } found
                    && Directory.Exists(found.Groups[1].Value) =>
                $"{found.Groups[1].Value} is a folder, where a file is wanted; name a file in it.",
            UnauthorizedAccessException when Quoted().Match(exception.Message) is { Success: true } found =>
                $"{found.Groups[1].Value} may not be read or written by this user; change its permissions, "
                    + "or name another.",
            TypeInitializationException { InnerException: { } inner } => Of(inner),
            AggregateException { InnerExceptions: [var only] } => Of(only),
            _ => exception.Message,
        };

    [GeneratedRegex("'([^']+)'")]
    private static partial Regex Quoted();
}
