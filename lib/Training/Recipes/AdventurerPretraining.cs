namespace PatchKit.Training.Recipes;

// Table 8: Adventurer's first stage, on images of 64 or 128 pixels. At 64 it is all there is; at 128 fine-tuning
// follows.
//
//   command    patchkit train --recipe adventurer-pretrain          patchkit train --recipe adventurer-pretrain-large
//   cost       not published; Table 6's hours are 2.3e-3 per token and epoch for Adventurer-Base, so for 300 epochs
//              at 128 about 44 / 176 / 703 / 2,810 / 11,250 A100 hours for p = 16 / 8 / 4 / 2 / 1, and a quarter of
//              that at 64
//   expected   Adventurer-Base top-1 at 64: 69.2 / 77.2 / 80.0 / 80.5 / 80.9 for p = 16 / 8 / 4 / 2 / 1 (Table 1);
//              before fine-tuning at 128 not published

/// <summary>Table 8: pre-training at 64 or 128 pixels.</summary>
public static class AdventurerPretraining
{
    /// <summary>Table 8, column Tiny/Small/Base.</summary>
    public static Recipe Standard { get; } =
        new()
        {
            Name = "adventurer-pretrain",
            Reproduces =
                "Table 8, Tiny, Small and Base: all of the training at 64 pixels, the first stage at 128 and 224",
            Models = ["adventurer-tiny", "adventurer-small", "adventurer-base"],
            Cost =
                "not published; Adventurer-Base at 128 about 44 A100 hours at p = 16 to 11,250 at p = 1, "
                + "from Table 6's hours per token; a quarter of that at 64",
            Expected = "Adventurer-Base top-1 at 64: 69.2 at p = 16 to 80.9 at p = 1 (Table 1)",
            Note =
                "Table 8's marks are lost in its text: augmentation is that of the authors' README, which "
                + "has Mixup and CutMix on though no table lists them",
            ThreeAugment = true,
            RepeatedAugmentation = true,
        };

    /// <summary>Table 8, column Large/Huge.</summary>
    public static Recipe Large { get; } =
        Standard with
        {
            Name = "adventurer-pretrain-large",
            Reproduces = "Table 8, Large and Huge: the first stage at 128 pixels",
            Models = ["adventurer-large", "adventurer-huge"],
            Cost =
                "not published; Adventurer-Large is 3.5 times Adventurer-Base by parameters, for 200 epochs "
                + "instead of 300",
            Expected = "before fine-tuning not published",
            Epochs = 200,
            BatchSize = 4096,
            BaseLearningRate = 2e-4,
            WarmupEpochs = 20,
            WeightDecay = 0.3,
            Beta2 = 0.95,
            DropPath = 0.2,
        };
}
