using System.Globalization;
using System.Reflection;

namespace PatchKit.Training.Recipes;

/// <summary>
/// Changes to a recipe by name and value, as <c>--set dropPath=0.4</c> gives them. Names may be written dropPath,
/// drop-path or drop_path.
/// </summary>
public static class RecipeOverrides
{
    private static readonly Type[] s_kinds =
    [
        typeof(int),
        typeof(double),
        typeof(bool),
        typeof(string),
        typeof(ScheduleStyle),
    ];
    private static readonly string[] s_descriptions =
    [
        nameof(Recipe.Name),
        nameof(Recipe.Reproduces),
        nameof(Recipe.Cost),
        nameof(Recipe.Expected),
        nameof(Recipe.Note),
        nameof(Recipe.StartsFrom),
    ];

    private static readonly Dictionary<string, PropertyInfo> s_settings = typeof(Recipe)
        .GetProperties()
        .Where(property =>
            property.CanWrite && s_kinds.Contains(property.PropertyType) && !s_descriptions.Contains(property.Name)
        )
        .ToDictionary(property => Plain(property.Name));

    // What others call these settings.
    private static readonly Dictionary<string, string> s_usual = new()
    {
        ["lr"] = "baseLearningRate",
        ["learningrate"] = "baseLearningRate",
        ["blr"] = "baseLearningRate",
        ["rate"] = "baseLearningRate",
        ["minlr"] = "minLearningRate",
        ["warmuplr"] = "warmupLearningRate",
        ["wd"] = "weightDecay",
        ["bs"] = "batchSize",
        ["batch"] = "batchSize",
        ["smoothing"] = "labelSmoothing",
        ["clipgrad"] = "clipNorm",
        ["reprob"] = "randomErasing",
        ["aa"] = "randAugment",
        ["modelema"] = "emaDecay",
    };

    /// <summary>The names that can be set, such as "batchSize".</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_settings.Values.Select(Written)];

    /// <summary>What a recipe sets, by name: all of it but its descriptions.</summary>
    public static IReadOnlyDictionary<string, object?> Settings(Recipe recipe) =>
        s_settings.Values.ToDictionary(Written, setting => setting.GetValue(recipe));

    /// <summary>A recipe with changes, applied in order.</summary>
    /// <param name="recipe">the recipe, which stays as it is.</param>
    /// <param name="changes">each "name=value".</param>
    /// <exception cref="ArgumentException">A name is unknown, and the message has the nearest; or is set twice; or a
    /// value is not of its kind or out of its range.</exception>
    public static Recipe Apply(Recipe recipe, IEnumerable<string> changes)
    {
        var changed = recipe with { };
        var given = new Dictionary<string, string>();
        foreach (string change in changes)
        {
            if (change.Split('=', 2) is not [var name, var value])
                throw new ArgumentException($"\"{change}\" changes nothing; write name=value, such as dropPath=0.4.");
            if (!s_settings.TryGetValue(Plain(name), out var setting))
                throw new ArgumentException(
                    $"a recipe has no \"{name.Trim()}\"; did you "
                        + $"mean {s_usual.GetValueOrDefault(Plain(name)) ?? NearestName.Of(name, Names)}? It "
                        + $"has {string.Join(", ", Names)}."
                );
            if (!given.TryAdd(setting.Name, change))
                throw new ArgumentException(
                    $"{Written(setting)} is set twice, by {given[setting.Name]} and {change}; set it once."
                );
            setting.SetValue(changed, Parse(Written(setting), value.Trim(), setting.PropertyType));
        }
        return changed.Checked();
    }

    /// <summary>The settings in which one recipe differs from another: "dropPath 0.1 -> 0.4".</summary>
    public static IReadOnlyList<string> Differences(Recipe one, Recipe other) =>
        [
            .. from setting in s_settings.Values
            let pair = (before: setting.GetValue(one), after: setting.GetValue(other))
            where !Equals(pair.before, pair.after)
            select string.Create(CultureInfo.InvariantCulture, $"{Written(setting)} {pair.before} -> {pair.after}"),
        ];

    private static object Parse(string name, string value, Type kind)
    {
        if (kind == typeof(string))
            return value;
        if (kind == typeof(int))
            return int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out int whole) && whole >= 0
                ? whole
                : throw Unfit("a whole number of 0 or more");
        if (kind == typeof(double))
            return
                double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double real)
                && real >= 0
                && double.IsFinite(real)
                ? real
                : throw Unfit("a number of 0 or more, such as 0.05 or 5e-4");
        if (kind == typeof(bool))
            return value.ToLowerInvariant() switch
            {
                "true" or "on" => true,
                "false" or "off" => false,
                _ => throw Unfit("on or off"),
            };
        return NamedValue.TryParse(kind, value, out object member)
            ? member
            : throw Unfit(string.Join(" or ", Enum.GetNames(kind)));

        ArgumentException Unfit(string wanted) => new($"{name}={value} does not fit; {name} takes {wanted}.");
    }

    private static string Written(PropertyInfo setting) => char.ToLowerInvariant(setting.Name[0]) + setting.Name[1..];

    private static string Plain(string name) => name.Trim().Replace("-", "").Replace("_", "").ToLowerInvariant();
}
