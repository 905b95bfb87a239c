namespace PatchKit.Training.Recipes;

// Section 4.1: a classification backbone fine-tuned on ADE20K, and the small nets' counterparts. As everywhere, one
// recipe serves every patch size and both decoders.
//
//   command    patchkit train --recipe ade20k --data ADE20K --start KEY [--decoder upernet]
//              (--recipe segment-teach needs no data)
//   cost       not published; 160,000 iterations of 16 crops of 512 pixels
//   expected   Table 2: Adventurer-Base with one linear layer 44.0 / 45.5 / 46.3 / 46.8 mIoU for p = 16 / 8 / 4 / 2,
//              with UperNet 45.7 at p = 16

/// <summary>Recipes of semantic segmentation.</summary>
public static class SegmentationRecipes
{
    /// <summary>The paper's: AdamW 5e-5, weight decay 0.01, batch 16, 160,000 iterations.</summary>
    public static Recipe Ade20K { get; } =
        new()
        {
            Name = "ade20k",
            Reproduces =
                "section 4.1: semantic segmentation on ADE20K, from a classification backbone of the same patch size",
            Models = ["adventurer-base", "adventurer-tiny"],
            Cost = "not published; 160,000 iterations of 16 crops",
            Expected =
                "mIoU with one linear layer, p = 16 / 8 / 4 / 2: Adventurer-Tiny 40.0 / 41.6 / 42.1 / 42.5, "
                + "Adventurer-Base 44.0 / 45.5 / 46.3 / 46.8; with UperNet at p = 16: 41.3 and 45.7 (Table 2)",
            Note =
                "the paper states optimizer, rate, decay, batch and iterations; schedule (1,500 iterations "
                + "of warm-up, then linear to 0), crops of 512 pixels, their augmentation and drop path "
                + "0.1 are what is usual for ADE20K",
            Epochs = 320,
            EpochImages = 8000,
            BatchSize = 16,
            BaseLearningRate = 5e-5,
            ScaleLearningRate = false,
            MinLearningRate = 0,
            WarmupLearningRate = 0,
            WarmupEpochs = 3,
            Schedule = ScheduleStyle.Linear,
            WeightDecay = 0.01,
            EmaDecay = 0,
            Mixup = 0,
            CutMix = 0,
        };

    /// <summary>400 steps of 32 fresh generated scenes.</summary>
    public static Recipe Teach { get; } =
        Ade20K with
        {
            Name = "segment-teach",
            Reproduces = "nothing of the paper: the small net on generated scenes, to show the law's shape on a CPU",
            Models = ["small-vit", "small-adventurer"],
            Cost = "seconds to half a minute on two CPU cores for p = 16 to 2 at 32 pixels",
            Expected =
                "generated scenes, p = 16 / 8 / 4 / 2, mean of seeds 10 to 12: mIoU with one linear layer "
                + "15.9 / 31.3 / 84.9 / 91.8 %",
            Note = "",
            Epochs = 10,
            EpochImages = 1280,
            BatchSize = 32,
            BaseLearningRate = 2e-3,
            WarmupEpochs = 1,
            Beta2 = 0.99,
            ClipNorm = 1,
            DropPath = 0,
        };

    /// <summary>120 steps: only that everything runs.</summary>
    public static Recipe Smoke { get; } =
        Teach with
        {
            Name = "segment-smoke",
            Reproduces = "nothing of the paper: a check that everything runs",
            Cost = "seconds",
            Expected = "a test loss below chance, no more",
            EpochImages = 384,
        };

    /// <summary>600 steps of 8 real images.</summary>
    public static Recipe Images { get; } =
        Teach with
        {
            Name = "segment-teach-images",
            Reproduces = "nothing of the paper: the small net on a small set of street scenes or the like",
            Cost =
                "half a minute to a minute on two CPU cores for p = 30 to 10 at 240 x 180 pixels, with "
                + "UperNet two and a half minutes",
            Expected =
                "CamVid, p = 30 / 20 / 10, seed 10: mIoU with one linear layer 18.2 / 23.2 / 26.0 %, with "
                + "UperNet 26.9 / 27.2 / 31.9 %",
            EpochImages = 480,
            BatchSize = 8,
        };

    /// <summary>20,000 iterations of 16 crops on one GPU.</summary>
    public static Recipe Gpu { get; } =
        Ade20K with
        {
            Name = "segment-gpu",
            Reproduces = "nothing of the paper: DeiT-Tiny and Adventurer-Tiny on small crops of real images",
            Models = ["adventurer-tiny", "deit-tiny"],
            Cost = "not measured",
            Expected = "not measured",
            Note = "",
            Epochs = 40,
            BaseLearningRate = 2e-4,
        };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Recipe> All { get; } = [Ade20K, Gpu, Images, Teach, Smoke];
}
