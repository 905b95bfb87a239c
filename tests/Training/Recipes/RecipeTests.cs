using System.Text.Json;
using PatchKit.Cli;
using PatchKit.Experiments;
using PatchKit.ScalingLaws;
using PatchKit.Tests.Torch;
using PatchKit.Training.Recipes;
using Xunit;

namespace PatchKit.Tests.Training.Recipes;

/// <summary>The recipes against Tables 8 to 10 of tables.json, their headers, and changes by name.</summary>
public sealed class RecipeTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("adventurer-pretrain", "table8_pretraining_64_or_128", "Tiny/Small/Base", "Base")]
    [InlineData("adventurer-pretrain-large", "table8_pretraining_64_or_128", "Large/Huge", "Large")]
    [InlineData("adventurer-finetune-small", "table9_finetuning_128_or_224", "Small/Base", "Small")]
    [InlineData("adventurer-finetune-base", "table9_finetuning_128_or_224", "Small/Base", "Base")]
    [InlineData("adventurer-finetune-large", "table9_finetuning_128_or_224", "Large", "Large")]
    [InlineData("adventurer-intermediate-small", "table10_intermediate_224", "Small/Base", "Small")]
    [InlineData("adventurer-intermediate-base", "table10_intermediate_224", "Small/Base", "Base")]
    [InlineData("adventurer-intermediate-large", "table10_intermediate_224", "Large", "Large")]
    public void Table(string name, string table, string column, string model)
    {
        var recipe = RecipeBook.Find(name);
        var all = PaperNumbers.Tables.GetProperty("tables8_9_10_recipes").GetProperty(table);
        var row = all.GetProperty(column);
        var dropPath = row.GetProperty("drop_path");
        double Number(string key) => row.GetProperty(key).GetDouble();

        Assert.Equal("AdamW", row.GetProperty("optimizer").GetString());
        Assert.Equal(Number("base_lr"), recipe.BaseLearningRate);
        Assert.Equal(Number("base_lr") * Number("batch") / 512, recipe.LearningRate, 1e-15);
        Assert.Equal(Number("weight_decay"), recipe.WeightDecay);
        Assert.Equal(
            (Number("epochs"), Number("warmup_epochs"), Number("batch")),
            (recipe.Epochs, recipe.WarmupEpochs, recipe.BatchSize)
        );
        Assert.Equal(
            (row.GetProperty("betas")[0].GetDouble(), row.GetProperty("betas")[1].GetDouble()),
            (recipe.Beta1, recipe.Beta2)
        );
        Assert.Equal(
            dropPath.ValueKind == JsonValueKind.Object ? dropPath.GetProperty(model).GetDouble() : dropPath.GetDouble(),
            recipe.DropPath
        );
        Assert.Equal(all.TryGetProperty("layer_decay", out var decay) ? decay.GetDouble() : 1, recipe.LayerDecay);
        Assert.Equal(
            all.TryGetProperty("label_smoothing", out var smoothing) && smoothing.ValueKind == JsonValueKind.Number
                ? smoothing.GetDouble()
                : 0,
            recipe.LabelSmoothing
        );
        Assert.Equal(
            all.TryGetProperty("rand_augment", out var augment) ? augment.GetString() : "",
            recipe.RandAugment
        );
        Assert.Equal(On(all, "repeated_augmentation"), recipe.RepeatedAugmentation);
        Assert.Equal(On(all, "three_augment"), recipe.ThreeAugment);
        Assert.Equal((0.0, 0.8, 1.0), (recipe.RandomErasing, recipe.Mixup, recipe.CutMix));
    }

    [Fact]
    public void Deit()
    {
        var recipe = RecipeBook.Find("deit");
        // section 4.1
        Assert.Equal(
            (300, 1024, 1e-3, 0.05),
            (recipe.Epochs, recipe.BatchSize, recipe.LearningRate, recipe.WeightDecay)
        );
        Assert.Equal(1.6e-3, RecipeBook.Find("deit-large").LearningRate, 1e-15);
    }

    [Fact]
    public void EveryRecipeSaysWhatItIs()
    {
        foreach (var recipe in RecipeBook.All)
        {
            output.WriteLine(recipe.Header + "\n");
            recipe.Checked();
            Assert.All(recipe.Models, model => RunRequest.ModelOf(model));
            Assert.Equal($"patchkit train --recipe {recipe.Name}", recipe.Command);
            Assert.All([recipe.Reproduces, recipe.Cost, recipe.Expected], text => Assert.NotEmpty(text));
            if (recipe.StartsFrom is { } earlier)
                RecipeBook.Find(earlier);
        }
        Assert.Equal(RecipeBook.All.Count, RecipeBook.All.Select(recipe => recipe.Name).Distinct().Count());
    }

    [Fact]
    public void AnUnknownRecipeHasANeighbour() =>
        Expect.Refused<ArgumentException>(
            () => RecipeBook.Find("adventurer-finetune-bas"),
            "did you mean adventurer-finetune-base?"
        );

    [Fact]
    public void ChangesByName()
    {
        var recipe = RecipeBook.Find("deit");
        var changed = RecipeOverrides.Apply(
            recipe,
            [
                "epochs=10",
                "drop-path=0.4",
                "base_learning_rate=1e-3",
                "RepeatedAugmentation=off",
                "schedule=perstep",
                "randAugment=",
            ]
        );
        Assert.Equal(
            (10, 0.4, 1e-3, false, ScheduleStyle.PerStep, ""),
            (
                changed.Epochs,
                changed.DropPath,
                changed.BaseLearningRate,
                changed.RepeatedAugmentation,
                changed.Schedule,
                changed.RandAugment
            )
        );
        Assert.Equal(300, recipe.Epochs);
        Assert.Equal(
            [
                "epochs 300 -> 10",
                "baseLearningRate 0.0005 -> 0.001",
                "schedule Official -> PerStep",
                "dropPath 0.1 -> 0.4",
                "randAugment rand-m9-mstd0.5-inc1 -> ",
                "repeatedAugmentation True -> False",
            ],
            RecipeOverrides.Differences(recipe, changed)
        );
        Assert.Equal(recipe, RecipeOverrides.Apply(recipe, []));
    }

    [Theory]
    [InlineData("drop_pth=0.4", "\"drop_pth\"", "did you mean dropPath?")]
    [InlineData("batch=64", "\"batch\"", "did you mean batchSize?")]
    [InlineData("name=other", "\"name\"", "did you mean")]
    [InlineData("epochs", "\"epochs\"", "name=value")]
    [InlineData("epochs=ten", "epochs=ten", "whole number")]
    [InlineData("epochs=1.5", "epochs=1.5", "whole number")]
    [InlineData("dropPath=-1", "dropPath=-1", "0 or more")]
    [InlineData("weightDecay=NaN", "weightDecay=NaN", "0 or more")]
    [InlineData("threeAugment=maybe", "threeAugment=maybe", "on or off")]
    [InlineData("batchSize=0", "batchSize=0", "1 or more")]
    [InlineData("warmupEpochs=500", "warmupEpochs=500", "300 epochs")]
    [InlineData("beta2=1", "beta2=1", "not, 1")]
    [InlineData("mixProbability=1.5", "mixProbability=1.5", "0 to 1")]
    [InlineData("schedule=cosine", "schedule=cosine", "Official or PerStep")]
    public void AWrongChangeIsRefused(string change, params string[] words) =>
        Expect.Refused<ArgumentException>(() => RecipeOverrides.Apply(RecipeBook.Find("deit"), [change]), words);

    private static bool On(JsonElement table, string key) =>
        table.TryGetProperty(key, out var text) && text.GetString()!.StartsWith("on");
}
