using System.Text.Json;
using PatchKit.Tests.Golden;
using PatchKit.Training.Recipes;
using Xunit;

namespace PatchKit.Tests.Training.Recipes;

/// <summary>
/// Every epoch's learning rate of every recipe of 06_lr_schedules, the scheduler's own values, and the layers' shares.
/// </summary>
public sealed class LearningRateScheduleGolden
{
    private const string File = "06_lr_schedules";
    private const double Tolerance = 1e-14;

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(
            File,
            file => file.Json.GetProperty("recipes").EnumerateObject().Select(recipe => recipe.Name)
        );

    [Theory, MemberData(nameof(Cases))]
    public void EpochByEpoch(string name)
    {
        var golden = GoldenFile.Open(File).Json.GetProperty("recipes").GetProperty(name);
        var recipe = RecipeOf(name, golden);
        Assert.Equal(golden.GetProperty("lr_after_scaling").GetDouble(), recipe.LearningRate, 1e-18);

        var schedule = recipe.LearningRates;
        double[] used = Numbers(golden.GetProperty("lr_used_while_training_epoch")),
            clock = Numbers(golden.GetProperty("scheduler_get_epoch_values_0_to_N"));
        Assert.Equal((recipe.Epochs, recipe.Epochs + 1), (used.Length, clock.Length));
        for (int epoch = 0; epoch < used.Length; epoch++)
            Assert.Equal(used[epoch], schedule.Rate(epoch, epoch % 7, 7), Tolerance);
        for (int epoch = 0; epoch < clock.Length; epoch++)
            Assert.Equal(clock[epoch], schedule.At(epoch), Tolerance);
    }

    [Theory, MemberData(nameof(Cases))]
    public void LayerByLayer(string name)
    {
        var golden = GoldenFile.Open(File).Json.GetProperty("recipes").GetProperty(name);
        if (!golden.TryGetProperty("lr_scale_by_layer_id_0_to_13", out var scales))
        {
            Assert.Equal(1, golden.GetProperty("layer_decay").GetDouble()); // no decay, nothing by layer
            return;
        }
        var recipe = RecipeOf(name, golden);
        double[] expected = Numbers(scales),
            first = Numbers(golden.GetProperty("lr_used_epoch0_by_layer_id")),
            middle = Numbers(golden.GetProperty("lr_used_epoch_mid_by_layer_id").GetProperty("lr"));
        int epoch = golden.GetProperty("lr_used_epoch_mid_by_layer_id").GetProperty("epoch").GetInt32();
        for (int layer = 0; layer < expected.Length; layer++)
        {
            double scale = Math.Pow(recipe.LayerDecay, expected.Length - 1 - layer);
            Assert.Equal(expected[layer], scale, Tolerance);
            Assert.Equal(first[layer], recipe.LearningRates.Rate(0) * scale, Tolerance);
            Assert.Equal(middle[layer], recipe.LearningRates.Rate(epoch) * scale, Tolerance);
        }
    }

    private static Recipe RecipeOf(string name, JsonElement golden) =>
        RecipeBook.Find("deit") with
        {
            Name = name,
            Epochs = golden.GetProperty("epochs").GetInt32(),
            BatchSize = golden.GetProperty("total_batch").GetInt32(),
            BaseLearningRate = golden.GetProperty("lr_arg").GetDouble(),
            ScaleLearningRate = !golden.GetProperty("unscale_lr").GetBoolean(),
            MinLearningRate = golden.GetProperty("min_lr").GetDouble(),
            WarmupLearningRate = golden.GetProperty("warmup_lr").GetDouble(),
            WarmupEpochs = golden.GetProperty("warmup_epochs").GetInt32(),
            LayerDecay = golden.GetProperty("layer_decay").GetDouble(),
        };

    private static double[] Numbers(JsonElement array) =>
        [.. array.EnumerateArray().Select(value => value.GetDouble())];
}
