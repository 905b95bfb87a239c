using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;
using PatchKit.Torch;
using PatchKit.Training;

namespace PatchKit.Cli;

/// <summary>
/// What is wrong with a command line, in one sentence with the way out; the library's own words name .NET's types, and
/// a page of help follows them.
/// </summary>
internal static class ParseSentence
{
    private const int ListedAtMost = 12;

    /// <summary>
    /// The sentence; null where the line can be carried out, or where help or the version is asked for.
    /// </summary>
    internal static string? Of(ParseResult parsed)
    {
        if (
            parsed.Action is HelpAction
            || parsed.Tokens.Count == 0
            || parsed
                .CommandResult.Children.OfType<OptionResult>()
                .Any(option => option.Option is HelpOption or VersionOption)
        )
            return null;
        if (Unknown(parsed) is { } unknown)
            return unknown;
        if (parsed.Errors is [var error, ..])
            return Sentence(error, parsed);
        return parsed
            .CommandResult.Children.OfType<OptionResult>()
            .Select(Unfit)
            .FirstOrDefault(sentence => sentence is not null);
    }

    // A word that no command or option takes goes first: what else is complained of often follows from it.
    private static string? Unknown(ParseResult parsed)
    {
        if (parsed.UnmatchedTokens is not [var word, ..])
            return null;
        var command = parsed.CommandResult.Command;
        string path = Path(parsed.CommandResult);
        if (word.StartsWith('-'))
        {
            string[] names = [.. Options(parsed.CommandResult).Select(option => option.Name)];
            return names.Length == 0
                ? $"{path} takes no {word}."
                : $"{path} has no {word.Split('=')[0]}; did you "
                    + $"mean {NearestName.Of(word.Split('=')[0], names)}? ({path} --help lists its options.)";
        }
        if (command.Subcommands.Count > 0)
        {
            string[] names = [.. command.Subcommands.Select(sub => sub.Name)];
            return $"{path} has no command {word}; did you mean {NearestName.Of(word, names)}? There "
                + $"are {string.Join(", ", names)}.";
        }
        string arguments = string.Join(" and ", command.Arguments.Select(argument => $"<{argument.Name}>")),
            taken = command.Arguments.Count == 0 ? "options alone" : arguments;
        return $"{path} does not know what to do with \"{word}\"; it takes {taken} ({path} --help).";
    }

    private static string Sentence(ParseError error, ParseResult parsed)
    {
        string path = Path(parsed.CommandResult);
        switch (error.SymbolResult)
        {
            case OptionResult { Option: var option } result when Unfit(result) is { } unfit:
                return unfit;
            case OptionResult { Option: { Required: true } missing, Tokens: [], IdentifierTokenCount: 0 }:
                return $"{path} is not told {missing.Name}: {Lower(missing.Description)}.";
            case OptionResult { Option: var option, Tokens: [] } when option.Arity.MinimumNumberOfValues > 0:
                return $"{option.Name} has no value; {Lower(option.Description)}.";
            case OptionResult { Option: var option, Tokens: [_, _, ..] several }
                when option.Arity.MaximumNumberOfValues == 1:
                return $"{option.Name} is given {several.Count} "
                    + $"times, {string.Join(" and ", several.Select(token => token.Value))}; give it once.";
            case ArgumentResult { Argument: var argument, Tokens: [] }:
                return $"{path} is not told <{argument.Name}>: {Lower(argument.Description)}.";
            case ArgumentResult { Argument: var argument, Tokens: var given }
                when given.Count < argument.Arity.MinimumNumberOfValues:
                return $"{path} takes {argument.Arity.MinimumNumberOfValues} or more of <{argument.Name}>, "
                    + $"but {given.Count} {(given.Count == 1 ? "is" : "are")} given: {Lower(argument.Description)}.";
            case ArgumentResult { Argument: var argument, Tokens: [var token, ..] }:
                return Choices(
                        argument
                            .CompletionSources.SelectMany(source =>
                                source(System.CommandLine.Completions.CompletionContext.Empty)
                            )
                            .Select(item => item.Label),
                        $"<{argument.Name}>",
                        token.Value
                    ) ?? error.Message;
            case CommandResult { Command.Subcommands: [_, ..] commands }:
                return $"{path} is not told what to do; there "
                    + $"are {string.Join(", ", commands.Select(command => command.Name))} ({path} --help).";
            default:
                return error.Message.ReplaceLineEndings(" ").Trim();
        }
    }

    /// <summary>What is wrong with an option's values, by its kind.</summary>
    private static string? Unfit(OptionResult result)
    {
        var option = result.Option;
        var kind = Element(option.ValueType);
        foreach (string value in result.Tokens.Select(token => token.Value))
        {
            string? wanted =
                kind == typeof(int) || kind == typeof(long)
                    ? long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out long whole)
                    && (kind == typeof(long) || whole is >= int.MinValue and <= int.MaxValue)
                        ? null
                        : "a whole number"
                    : kind == typeof(double)
                        ? double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double real)
                        && double.IsFinite(real)
                            ? null
                            : "a number"
                        : kind == typeof(bool)
                            ? bool.TryParse(value, out _)
                                ? null
                                : "true or false"
                            : null;
            if (wanted is not null)
                return $"{option.Name} {value} does not fit; it takes {wanted}: {Lower(option.Description)}.";
            if (kind.IsEnum)
            {
                if (!NamedValue.TryParse(kind, value, out _))
                    return Choices(Enum.GetNames(kind).Select(name => name.ToLowerInvariant()), option.Name, value);
            }
            else if (
                kind == typeof(string)
                && Choices(
                    option
                        .GetCompletions(System.CommandLine.Completions.CompletionContext.Empty)
                        .Select(item => item.Label),
                    option.Name,
                    value
                )
                    is { } sentence
            )
                return sentence;
        }
        return null;
    }

    private static string? Choices(IEnumerable<string> names, string what, string value)
    {
        string[] all = [.. names];
        return all.Length == 0 || all.Contains(value, StringComparer.Ordinal)
            ? null
            : $"{what} {value} is not known; did you "
                + $"mean {NearestName.Of(value, all)}?"
                + $"{(all.Length <= ListedAtMost ? $" There are {string.Join(", ", all)}." : "")}";
    }

    private static Type Element(Type type) =>
        type.IsArray ? Element(type.GetElementType()!) : Nullable.GetUnderlyingType(type) ?? type;

    private static IEnumerable<Option> Options(CommandResult result)
    {
        for (CommandResult? at = result; at is not null; at = at.Parent as CommandResult)
            foreach (
                var option in at.Command.Options.Where(option => !option.Hidden && (at == result || option.Recursive))
            )
                yield return option;
    }

    private static string Path(CommandResult result) =>
        result.Parent is CommandResult above ? $"{Path(above)} {result.Command.Name}" : result.Command.Name;

    private static string Lower(string? description) => (description ?? "").TrimEnd('.');
}
