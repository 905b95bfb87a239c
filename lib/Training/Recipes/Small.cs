namespace PatchKit.Training.Recipes;

// The small nets' own recipes, under which the law shows in minutes. As everywhere, one recipe serves every patch size.
//
//   command    patchkit train --recipe teach          (smoke; teach-images and gpu with --data)
//   cost       teach: 600 steps, on two CPU cores 5 to 30 s for p = 16 to 2; smoke: a third; teach-images: 2,400
//              steps; gpu: on one GPU, not measured
//   expected   teach, ViT on generated images: test loss about 2.1 / 1.6 / 1.1 / .75 / .1 for p = 16 / 8 / 4 / 2 / 1
//              (chance 2.77)

/// <summary>Recipes of the scales `smoke`, `teach` and `gpu`.</summary>
public static class Small
{
    /// <summary>600 steps of 64 fresh generated images.</summary>
    public static Recipe Teach { get; } =
        new()
        {
            Name = "teach",
            Reproduces = "nothing of the paper: a small net on generated images, to show the law's shape on a CPU",
            Models = ["small-vit", "small-adventurer"],
            Cost = "3 to 25 s on two CPU cores for p = 16 to 2 at 16 pixels, a minute or more at p = 1",
            Expected =
                "test loss about 2.1 / 1.6 / 1.1 / .75 / .1 for p = 16 / 8 / 4 / 2 / 1 (ViT; chance 2.77), "
                + "1.9 / 1.5 / 1.4 / 1.0 for p = 16 / 8 / 4 / 2 (Adventurer)",
            Epochs = 10,
            EpochImages = 3840,
            BatchSize = 64,
            BaseLearningRate = 2e-3,
            ScaleLearningRate = false,
            MinLearningRate = 2e-5,
            WarmupLearningRate = 0,
            WarmupEpochs = 1,
            Schedule = ScheduleStyle.PerStep,
            Beta2 = 0.99,
            ClipNorm = 1,
            EmaDecay = 0,
            DropPath = 0,
            Mixup = 0,
            CutMix = 0,
        };

    /// <summary>
    /// 200 steps at a higher rate: only 'the largest patch is worse than the smallest' is safe after it.
    /// </summary>
    public static Recipe Smoke { get; } =
        Teach with
        {
            Name = "smoke",
            Reproduces = "nothing of the paper: a check that everything runs",
            Cost = "seconds",
            Expected = "the largest patch's test loss above the smallest's, no more",
            EpochImages = 1280,
            BaseLearningRate = 3e-3,
            MinLearningRate = 3e-5,
        };

    /// <summary>2,400 steps of 64 real images, shifted and mirrored.</summary>
    public static Recipe Images { get; } =
        Teach with
        {
            Name = "teach-images",
            Reproduces = "nothing of the paper: the small net on small real images such as CIFAR-10",
            Cost = "half a minute to three minutes on two CPU cores for p = 8 to 2 at 16 pixels",
            Expected =
                "CIFAR-10, 20,000 images at 16 pixels, for p = 8 / 4 / 2: ViT test loss 1.57 / 1.47 / 1.35, "
                + "Adventurer 1.43 / 1.39 / 1.22",
            EpochImages = 15360,
        };

    /// <summary>
    /// 10 epochs of CIFAR, or of another set that fits into memory, on one GPU: so few that five patch sizes, p = 1
    /// with its 1,024 tokens among them, can be had in an afternoon.
    /// </summary>
    public static Recipe Gpu { get; } =
        Images with
        {
            Name = "gpu",
            Reproduces =
                "nothing of the paper: DeiT-Tiny and Adventurer-Tiny on small real images, in a short training",
            Models = ["deit-tiny", "adventurer-tiny"],
            Cost =
                "not measured; counted: CIFAR-10 takes 3.1e16 operations with DeiT-Tiny and 3.8e16 with "
                + "Adventurer-Tiny at p = 1, 5 and 6 minutes at 100 TFLOP/s, and a quarter of that or "
                + "less from p = 2 up",
            Expected = "not measured",
            Note = "augmentation is shift and flip in tensor operations on the device; --budget 10 trains 100 epochs",
            EpochImages = 0,
            BatchSize = 256,
            BaseLearningRate = 1e-3,
            MinLearningRate = 1e-5,
        };
}
