using System.Globalization;

namespace PatchKit.Training.Recipes;

/// <summary>
/// How a model is trained, all of it: the rows of Tables 8 to 10 and what the official code does where they are silent.
/// One recipe serves every patch size, so there is no patch size in it. Defaults are the pre-training stage's (Table
/// 8). Changed by <c>with</c>, or by name with <see cref="RecipeOverrides"/>.
/// </summary>
public sealed record Recipe
{
    /// <summary>The batch that base learning rates are stated for.</summary>
    public const int LearningRateBatch = 512;

    // ---- what it is ------------------------------------------------------------------------------------

    /// <summary>Its name on the command line.</summary>
    public required string Name { get; init; }

    /// <summary>What it reproduces, and which table or paper states it.</summary>
    public required string Reproduces { get; init; }

    /// <summary>Which models it is stated for, by their names in the model zoo.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>What it costs, and how that is known.</summary>
    public required string Cost { get; init; }

    /// <summary>The score to expect, and which table has it.</summary>
    public required string Expected { get; init; }

    /// <summary>
    /// Where the recipe rests on more than the table: the official commands, another paper, or an inference.
    /// </summary>
    public string Note { get; init; } = "";

    /// <summary>The recipe whose weights it starts from; none where null.</summary>
    public string? StartsFrom { get; init; }

    /// <summary>The command that runs it.</summary>
    public string Command => $"patchkit train --recipe {Name}";

    // ---- optimisation ----------------------------------------------------------------------------------

    /// <summary>Epochs of the training set.</summary>
    public int Epochs { get; init; } = 300;

    /// <summary>
    /// Images in an epoch; 0 for the training set's own number. Generated images have no end, so that recipes for them
    /// say it.
    /// </summary>
    public int EpochImages { get; init; }

    /// <summary>Images per step, over all devices and accumulated parts.</summary>
    public int BatchSize { get; init; } = 1024;

    /// <summary>The peak learning rate at batch 512.</summary>
    public double BaseLearningRate { get; init; } = 5e-4;

    /// <summary>Whether the rate is multiplied by batch / 512.</summary>
    public bool ScaleLearningRate { get; init; } = true;

    /// <summary>The rate at the end of the cosine, not scaled.</summary>
    public double MinLearningRate { get; init; } = 1e-5;

    /// <summary>The rate that warm-up starts from, not scaled.</summary>
    public double WarmupLearningRate { get; init; } = 1e-6;

    /// <summary>Epochs of linear warm-up.</summary>
    public int WarmupEpochs { get; init; } = 5;

    /// <summary>How the rate follows the clock.</summary>
    public ScheduleStyle Schedule { get; init; } = ScheduleStyle.Official;

    /// <summary>AdamW's weight decay; not of vectors, positions and class token.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>AdamW's first beta.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's second beta.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>AdamW's epsilon; the official code always takes PyTorch's default.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The learning rate's factor from a layer to the one below; 1 for none.</summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>The greatest norm of the gradient; 0 for no limit.</summary>
    public double ClipNorm { get; init; }

    /// <summary>
    /// The decay of the weights' moving average, which the official code keeps and never evaluates; 0 for none.
    /// </summary>
    public double EmaDecay { get; init; } = 0.99996;

    // ---- regularisation and augmentation ---------------------------------------------------------------

    /// <summary>The largest probability with which a residual branch is dropped.</summary>
    public double DropPath { get; init; } = 0.1;

    /// <summary>The share of the target spread evenly over all classes.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// The alpha of Mixup's Beta distribution; 0 for none. No table lists it; the official default is on.
    /// </summary>
    public double Mixup { get; init; } = 0.8;

    /// <summary>
    /// The alpha of CutMix's Beta distribution; 0 for none. No table lists it; the official default is on.
    /// </summary>
    public double CutMix { get; init; } = 1;

    /// <summary>The probability that a batch is mixed.</summary>
    public double MixProbability { get; init; } = 1;

    /// <summary>Of mixed batches, the share mixed by CutMix.</summary>
    public double CutMixShare { get; init; } = 0.5;

    /// <summary>The probability that a rectangle of an image is replaced by noise.</summary>
    public double RandomErasing { get; init; }

    /// <summary>RandAugment in timm's words, such as "rand-m9-mstd0.5-inc1"; empty for none.</summary>
    public string RandAugment { get; init; } = "";

    /// <summary>ThreeAugment (DeiT III): one of greyscale, solarisation and blur, then colour jitter.</summary>
    public bool ThreeAugment { get; init; }

    /// <summary>Repeated augmentation: three views of each image, and a third of the images each epoch.</summary>
    public bool RepeatedAugmentation { get; init; }

    // ---- derived ---------------------------------------------------------------------------------------

    /// <summary>The peak learning rate at this batch size.</summary>
    public double LearningRate =>
        ScaleLearningRate ? BaseLearningRate * BatchSize / LearningRateBatch : BaseLearningRate;

    /// <summary>The schedule of its learning rate.</summary>
    public LearningRateSchedule LearningRates =>
        new()
        {
            Peak = LearningRate,
            Epochs = Epochs,
            WarmupEpochs = WarmupEpochs,
            Start = WarmupLearningRate,
            Floor = MinLearningRate,
            Style = Schedule,
        };

    /// <summary>Itself, where every setting is in its range.</summary>
    /// <exception cref="ArgumentException">One is not; the message names it, its value and its range.</exception>
    public Recipe Checked()
    {
        Require(Epochs >= 1, "epochs", Epochs, "1 or more");
        Require(BatchSize >= 1, "batchSize", BatchSize, "1 or more");
        Require(WarmupEpochs <= Epochs, "warmupEpochs", WarmupEpochs, $"at most the {Epochs} epochs there are");
        Require(LayerDecay is > 0 and <= 1, "layerDecay", LayerDecay, "above 0 and at most 1");
        foreach (
            var (name, value) in new[]
            {
                ("beta1", Beta1),
                ("beta2", Beta2),
                ("emaDecay", EmaDecay),
                ("dropPath", DropPath),
            }
        )
            Require(value is >= 0 and < 1, name, value, "from 0 up to, but not, 1");
        foreach (
            var (name, value) in new[]
            {
                ("labelSmoothing", LabelSmoothing),
                ("mixProbability", MixProbability),
                ("cutMixShare", CutMixShare),
                ("randomErasing", RandomErasing),
            }
        )
            Require(value is >= 0 and <= 1, name, value, "0 to 1");
        return this;

        void Require(bool holds, string name, double value, string range)
        {
            if (!holds)
                throw new ArgumentException(
                    string.Create(CultureInfo.InvariantCulture, $"{Name} was given {name}={value}; use {range}.")
                );
        }
    }

    /// <summary>The lines that <c>patchkit train</c> prints first: name, source, cost, expectation.</summary>
    public string Header =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {Name}: {Reproduces}
              command   {Command}
              models    {string.Join(", ", Models)}{(
                StartsFrom is null ? "" : $"\n  starts    from weights of {StartsFrom}"
            )}
              cost      {Cost}
              expected  {Expected}{(Note == "" ? "" : $"\n  note      {Note}")}
            """
        );
}
