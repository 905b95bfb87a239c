namespace PatchKit.Experiments.Verdicts;

/// <summary>What must be said wherever the small experiments are shown.</summary>
internal static class Caveats
{
    internal static IReadOnlyList<string> For(ExperimentOptions options) =>
        options.Data is null && options.Scale is Scale.Smoke or Scale.Teach ? Generated
        : options.Scale == Scale.Paper ? []
        : Images;

    private static readonly string[] Generated =
    [
        "The images are built so that evidence sits in fine local statistics: they illustrate a mechanism, "
            + "and only real images test the claim.",
        "The generator was chosen among about nine variants by looking at seeds 0 and 1; since then it is "
            + "frozen, and reports use other seeds.",
        "In part this is a law of learning speed: with more steps larger patches catch up to some extent, "
            + "and losses sit on plateaus near multiples of ln 2. See the losses by budget.",
        "The step from p = 16 to 8 is mostly a matter of width: a wider net closes it.",
        "Every step has fresh images, so that nothing is learnt by heart; a fixed training set is another question.",
    ];

    private static readonly string[] Images =
    [
        "A small net and a short training: the curve shows from about half the image's side downwards, and "
            + "is flat where training is cut short.",
        "A single token turns the model into a perceptron over the whole image, which may beat the next smaller patch.",
        "The same training images come again and again: small patches fit them better, and may overfit "
            + "first. Compare training and test loss.",
    ];
}
