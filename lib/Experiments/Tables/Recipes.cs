using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Verdicts;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Tables 8 to 10: the recipes, row by row; DeiT's, and the stages by input size, as the text states them.
//
//   command    patchkit run recipes
//   cost       none; nothing is trained
//   expected   every printed setting agrees; rows whose marks are lost in the text are the official commands'

/// <summary>Tables 8 to 10: the paper's training recipes beside PatchKit's.</summary>
public sealed class Recipes : Experiment
{
    private const string Lost = "mark lost",
        Readme = "(from README)";

    // Table 8 to 10 of tables.json, their columns, and the recipes of each.
    private static readonly (
        string Table,
        string Title,
        (string Column, string Model, Recipe Recipe)[] Columns
    )[] s_tables =
    [
        (
            "table8_pretraining_64_or_128",
            "Table 8: pre-training at 64 or 128 pixels",
            [
                ("Tiny/Small/Base", "Base", AdventurerPretraining.Standard),
                ("Large/Huge", "Large", AdventurerPretraining.Large),
            ]
        ),
        (
            "table9_finetuning_128_or_224",
            "Table 9: fine-tuning at 128 or 224 pixels",
            [
                ("Small/Base", "Small", AdventurerFinetuning.Small),
                ("Small/Base", "Base", AdventurerFinetuning.Base),
                ("Large", "Large", AdventurerFinetuning.Large),
            ]
        ),
        (
            "table10_intermediate_224",
            "Table 10: intermediate training at 224 pixels",
            [
                ("Small/Base", "Small", AdventurerIntermediate.Small),
                ("Small/Base", "Base", AdventurerIntermediate.Base),
                ("Large", "Large", AdventurerIntermediate.Large),
            ]
        ),
    ];

    // A row of the tables: its name, its key in tables.json, and the recipe's setting in the same words.
    private static readonly (string Name, string Key, Func<Recipe, string> Ours)[] s_rows =
    [
        ("optimizer", "optimizer", _ => "AdamW"),
        ("base learning rate", "base_lr", recipe => Text(recipe.BaseLearningRate)),
        ("weight decay", "weight_decay", recipe => Text(recipe.WeightDecay)),
        ("epochs", "epochs", recipe => $"{recipe.Epochs}"),
        ("optimizer betas", "betas", recipe => $"{Text(recipe.Beta1)}, {Text(recipe.Beta2)}"),
        ("batch size", "batch", recipe => $"{recipe.BatchSize}"),
        ("warmup epochs", "warmup_epochs", recipe => $"{recipe.WarmupEpochs}"),
        ("stochastic depth (drop path)", "drop_path", recipe => Text(recipe.DropPath)),
        ("layer-wise lr decay", "layer_decay", recipe => recipe.LayerDecay == 1 ? "off" : Text(recipe.LayerDecay)),
        (
            "label smoothing",
            "label_smoothing",
            recipe => recipe.LabelSmoothing == 0 ? "off" : Text(recipe.LabelSmoothing)
        ),
        ("random erasing", "random_erasing", recipe => recipe.RandomErasing == 0 ? "off" : Text(recipe.RandomErasing)),
        ("RandAugment", "rand_augment", recipe => recipe.RandAugment == "" ? "off" : recipe.RandAugment),
        ("repeated augmentation", "repeated_augmentation", recipe => Switch(recipe.RepeatedAugmentation)),
        ("ThreeAugment", "three_augment", recipe => Switch(recipe.ThreeAugment)),
    ];

    // What the official code sets and no table of the paper has.
    private static readonly (string Name, Func<Recipe, string> Ours)[] s_unlisted =
    [
        ("Mixup, CutMix", recipe => $"{Text(recipe.Mixup)}, {Text(recipe.CutMix)}"),
        ("rate at the start of warm-up", recipe => Text(recipe.WarmupLearningRate)),
        ("rate at the end of the cosine", recipe => Text(recipe.MinLearningRate)),
        ("weight average, kept and not evaluated", recipe => Text(recipe.EmaDecay)),
    ];

    /// <inheritdoc/>
    public override string Name => "recipes";

    /// <inheritdoc/>
    public override string Title => "Tables 8 to 10: the training recipes";

    /// <inheritdoc/>
    public override string Claim => "one recipe for a model and stage serves every patch size";

    /// <inheritdoc/>
    public override string Cost => "none";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) => [];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var tables = s_tables
            .Select(table =>
                (
                    table.Title,
                    Columns: table
                        .Columns.Select(column => new Comparison(
                            Paper(table.Table),
                            column.Column,
                            column.Model,
                            column.Recipe
                        ))
                        .ToList()
                )
            )
            .ToList();
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = context.Options.Scale,
            Data = "nothing is trained",
            Tables =
            [
                .. tables.Select(table => Rows(table.Title, table.Columns)),
                DeitTable(),
                Stages(),
                Unlisted([.. tables.SelectMany(table => table.Columns).Select(column => column.Recipe)]),
            ],
            Verdicts =
            [
                .. tables.SelectMany(table => table.Columns.Select(column => column.Judge(table.Title))),
                DeitVerdict(),
                OneForAll(),
            ],
            Caveats =
            [
                "The ticks and crosses of Tables 8 to 10 are lost in the paper's text: such rows have the "
                    + "settings of the authors' published commands.",
                .. s_tables
                    .SelectMany(table => table.Columns)
                    .Select(column => column.Recipe)
                    .Where(recipe => recipe.Note != "")
                    .GroupBy(recipe => recipe.Note)
                    .Select(same => $"{string.Join(", ", same.Select(recipe => recipe.Name))}: {same.Key}."),
            ],
            Machine = Machine.Here(context.Options.Device),
        };
    }

    private static ReportTable Rows(string title, IReadOnlyList<Comparison> columns) =>
        new(
            $"{title}: the paper / the recipe",
            ["", .. columns.Select(column => column.Recipe.Name), ""],
            [
                .. s_rows.Select(row =>
                    (IReadOnlyList<string>)
                        [
                            row.Name,
                            .. columns.Select(column => $"{column.Says(row.Key)} / {row.Ours(column.Recipe)}"),
                            Said(columns, row),
                        ]
                ),
            ]
        );

    private static string Said(
        IReadOnlyList<Comparison> columns,
        (string Name, string Key, Func<Recipe, string> Ours) row
    ) =>
        columns.FirstOrDefault(column => !column.Agrees(row.Key, row.Ours)) is { } odd ? $"differs: {odd.Recipe.Name}"
        : columns[0].Says(row.Key) == Lost ? "as the authors' code"
        : "agrees";

    // ---- DeiT, and the stages ------------------------------------------------------------------------

    // What the text says of DeiT, and where in the sentence each setting stands.
    private static readonly (string Name, string Pattern, Func<Recipe, string> Ours)[] s_deit =
    [
        ("optimizer", "(AdamW)", _ => "AdamW"),
        ("learning rate", @"lr ([\w-]+)", recipe => Text(recipe.LearningRate)),
        ("weight decay", @"weight decay ([\d.]+)", recipe => Text(recipe.WeightDecay)),
        ("epochs", @"(\d+) epochs", recipe => $"{recipe.Epochs}"),
        ("batch size", @"batch (\d+)", recipe => $"{recipe.BatchSize}"),
    ];

    private static string InText(string pattern) =>
        Regex.Match(Paper("other").GetProperty("deit").GetString()!, pattern).Groups[1].Value;

    private static ReportTable DeitTable() =>
        new(
            "DeiT, section 4.1: the paper / the recipe",
            ["", Deit.Standard.Name, ""],
            [
                .. s_deit.Select(row =>
                    (IReadOnlyList<string>)
                        [
                            row.Name,
                            $"{InText(row.Pattern)} / {row.Ours(Deit.Standard)}",
                            InText(row.Pattern) == row.Ours(Deit.Standard) ? "agrees" : "differs",
                        ]
                ),
            ]
        );

    private static Verdict DeitVerdict()
    {
        int agree = s_deit.Count(row => InText(row.Pattern) == row.Ours(Deit.Standard));
        return VerdictRule.OfNumbers(
            $"{Deit.Standard.Name} is as section 4.1 says",
            agree == s_deit.Length,
            $"{agree} of {s_deit.Length} settings agree; {Deit.Standard.Note}. {MaeSupervised.Large.Name} "
                + $"and {MaeSupervised.Huge.Name} follow He et al. 2022, as the paper says."
        );
    }

    private static ReportTable Stages()
    {
        var stages = Paper("other").GetProperty("adventurer_stages");
        return new(
            "Adventurer's stages by input size",
            ["pixels", "the paper", "the recipes of Base, epochs"],
            [
                ["64", Says("64"), Text(AdventurerPretraining.Standard)],
                ["128", Says("128"), $"{Text(AdventurerPretraining.Standard)}, {Text(AdventurerFinetuning.Base)}"],
                [
                    "224",
                    Says("224"),
                    $"{Text(AdventurerPretraining.Standard)} at "
                        + $"128, {Text(AdventurerIntermediate.Base)}, {Text(AdventurerFinetuning.Base)}",
                ],
                [
                    "64, Large",
                    "300 epochs for all sizes in the text, 200 in Table 8",
                    $"{Text(AdventurerPretraining.Large)}, as the table has it",
                ],
            ]
        );

        string Says(string input) => stages.GetProperty(input).GetString()!;
        static string Text(Recipe recipe) => $"{recipe.Name} {recipe.Epochs}";
    }

    private static ReportTable Unlisted(IReadOnlyList<Recipe> recipes) =>
        new(
            "What no table lists and the official code sets",
            ["", "Adventurer's recipes", Deit.Standard.Name],
            [
                .. s_unlisted.Select(row =>
                    (IReadOnlyList<string>)
                        [row.Name, string.Join(" or ", recipes.Select(row.Ours).Distinct()), row.Ours(Deit.Standard)]
                ),
            ]
        );

    private static Verdict OneForAll() =>
        VerdictRule.OfNumbers(
            "One recipe serves every patch size",
            !RecipeOverrides.Names.Any(name => name.Contains("patch", StringComparison.OrdinalIgnoreCase)),
            $"None of a recipe's {RecipeOverrides.Names.Count} settings is a patch size, and the sweeps "
                + "change nothing else with it."
        );

    private static JsonElement Paper(string name) =>
        PaperNumbers.Tables.GetProperty("tables8_9_10_recipes").GetProperty(name);

    private static string Switch(bool on) => on ? "on" : "off";

    private static string Text(double value) =>
        value is > 0 and < .001 or .001
            ? value.ToString("0.##e-0", CultureInfo.InvariantCulture)
            : value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A column of a table of the paper beside a recipe.</summary>
    private sealed record Comparison(JsonElement Table, string Column, string Model, Recipe Recipe)
    {
        /// <summary>The paper's setting as printed; <see cref="Lost"/> where its tick or cross is.</summary>
        internal string Says(string key)
        {
            if (!Table.GetProperty(Column).TryGetProperty(key, out var cell) && !Table.TryGetProperty(key, out cell))
                return Lost;
            return cell.ValueKind switch
            {
                JsonValueKind.Number => Text(cell.GetDouble()),
                JsonValueKind.Array => string.Join(
                    ", ",
                    cell.EnumerateArray().Select(number => Text(number.GetDouble()))
                ),
                JsonValueKind.Object => Text(cell.GetProperty(Model).GetDouble()),
                _ => cell.GetString()!,
            };
        }

        internal bool Agrees(string key, Func<Recipe, string> ours) =>
            Says(key) is var paper && (paper == Lost || paper.Replace(Readme, "").Trim() == ours(Recipe));

        internal Verdict Judge(string table)
        {
            var differ = s_rows
                .Where(row => !Agrees(row.Key, row.Ours))
                .Select(row => $"{row.Name}: {Says(row.Key)} in the paper, {row.Ours(Recipe)} here")
                .ToList();
            int readme = s_rows.Count(row => Says(row.Key).Contains(Readme, StringComparison.Ordinal)),
                lost = s_rows.Count(row => Says(row.Key) == Lost),
                printed = s_rows.Length - readme - lost;
            string because =
                $"{printed + readme - differ.Count} of {printed + readme} settings agree, {readme} of them "
                + $"known from the authors' README; the marks of {lost} more are lost.";
            return VerdictRule.OfNumbers(
                $"{Recipe.Name} is {table[..table.IndexOf(':')]}, {Column}",
                differ.Count == 0,
                differ.Count == 0 ? because : $"{because} {string.Join("; ", differ)}."
            );
        }
    }
}
