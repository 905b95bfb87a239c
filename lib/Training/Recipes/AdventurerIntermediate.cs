namespace PatchKit.Training.Recipes;

// Table 10: Adventurer's second stage, on images of 224 pixels, from weights pre-trained at 128 with the same patch
// size.
//
//   command    patchkit train --recipe adventurer-intermediate-base          (-small, -large)
//   cost       Adventurer-Base: 45 / 176 / 686 / 2,745 / 11,508 A100 hours for p = 16 / 8 / 4 / 2 / 1
//              (Table 6 x 100 epochs)
//   expected   not published before the third stage

/// <summary>Table 10: intermediate training at 224 pixels.</summary>
public static class AdventurerIntermediate
{
    /// <summary>Table 10, column Small/Base, for Small.</summary>
    public static Recipe Small { get; } =
        AdventurerPretraining.Standard with
        {
            Name = "adventurer-intermediate-small",
            Reproduces = "Table 10, Small: the second stage at 224 pixels",
            Models = ["adventurer-small"],
            StartsFrom = AdventurerPretraining.Standard.Name,
            Cost =
                "not published for Small; Adventurer-Base 45 A100 hours at p = 16 to 11,508 at p = 1 (Table "
                + "6 x 100 epochs)",
            Expected = "not published before the third stage",
            Note =
                "Table 10's marks are lost in its text: augmentation is that of the authors' README, whose "
                + "command leaves layer-wise decay at 1 where the table has 0.9",
            Epochs = 100,
            LayerDecay = 0.9,
            DropPath = 0.2,
        };

    /// <summary>Table 10, column Small/Base, for Base.</summary>
    public static Recipe Base { get; } =
        Small with
        {
            Name = "adventurer-intermediate-base",
            Reproduces = "Table 10, Base: the second stage at 224 pixels",
            Models = ["adventurer-base"],
            Cost = "45 A100 hours at p = 16, 176 at p = 8, 11,508 at p = 1 (Table 6 x 100 epochs)",
            DropPath = 0.4,
        };

    /// <summary>Table 10, column Large.</summary>
    public static Recipe Large { get; } =
        Base with
        {
            Name = "adventurer-intermediate-large",
            Reproduces = "Table 10, Large: the second stage at 224 pixels",
            Models = ["adventurer-large"],
            StartsFrom = AdventurerPretraining.Large.Name,
            Cost =
                "not published; Adventurer-Large is 3.5 times Adventurer-Base by parameters, for 50 epochs "
                + "instead of 100",
            Epochs = 50,
            BatchSize = 4096,
            BaseLearningRate = 8e-4,
            WarmupEpochs = 20,
            WeightDecay = 0.3,
            Beta2 = 0.95,
        };
}
