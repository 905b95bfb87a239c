namespace PatchKit.Experiments.Tables;

/// <summary>What must be said wherever the small detectors are shown.</summary>
internal static class DetectionCaveats
{
    internal static IReadOnlyList<string> For(ExperimentOptions options) =>
        options.Scale == Scale.Paper ? []
        : options.Data is null ? Generated
        : Images;

    private static readonly string[] Generated =
    [
        "The images are built so that classes differ in fine texture: they illustrate a mechanism, and only "
            + "real images test the claim.",
        "Sizes, textures and recipe were chosen by looking at seeds below 10; reports use other seeds, and "
            + "so other test images.",
        "The detectors start from pixels of the same images, which say classes and masks: that is not a "
            + "classifier trained on ImageNet.",
        "Test losses are of regions that hold the objects' own boxes and shifted copies beside the "
            + "proposals, as in training: they are not losses of what is reported.",
        "Small, medium and large count as if the image's shorter side were 480 pixels, for which COCO's "
            + "borders were drawn.",
        "Every step has fresh images, so that nothing is learnt by heart; the nets are small and trained for a minute.",
    ];

    private static readonly string[] Images =
    [
        "A small net and a short training on few images, without pre-training on others: precision is low, "
            + "and small patches may overfit first. Compare training and test loss.",
        "Test losses are of regions that hold the objects' own boxes and shifted copies beside the "
            + "proposals, as in training: they are not losses of what is reported.",
        "Small, medium and large count as if the image's shorter side were 480 pixels, for which COCO's "
            + "borders were drawn.",
    ];
}
