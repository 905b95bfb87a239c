namespace PatchKit.Training.Recipes;

// DeiT's own recipe (Touvron et al. 2021, arXiv 2012.12877), which the paper trains DeiT-Tiny, Small and Base with, at
// every input and patch size.
//
//   command    patchkit train --recipe deit
//   cost       DeiT-Base at 224: 108 A100 hours at p = 16, 558 at p = 8, 2,937 at p = 4, 24,018 at p = 2,
//              290,397 at p = 1 (Table 6 x 300 epochs)
//   expected   DeiT-Base top-1 at 64: 68.2 / 76.9 / 80.1 / 80.8 / 81.3 for p = 16 / 8 / 4 / 2 / 1;
//              at 128: 78.1 / 81.0 / 82.3 / 82.9 for p = 16 / 8 / 4 / 2 (Table 1);
//              at 224: 81.8 / 83.5 for p = 16 / 8 (section 1)

/// <summary>DeiT's recipe for ViT-Tiny, Small and Base.</summary>
public static class Deit
{
    /// <summary>300 epochs, batch 1024, rate 1e-3, RandAugment, random erasing, repeated augmentation.</summary>
    public static Recipe Standard { get; } =
        new()
        {
            Name = "deit",
            Reproduces =
                "DeiT-Tiny, Small and Base of Tables 1 and 5 and Figures 1 and 3 (section 4.1; Touvron et al. 2021)",
            Models = ["deit-tiny", "deit-small", "deit-base"],
            Cost = "DeiT-Base at 224: 108 A100 hours at p = 16, 558 at p = 8, 290,397 at p = 1 (Table 6 x 300 epochs)",
            Expected =
                "DeiT-Base top-1 68.2 at 64 and p = 16 to 81.3 at p = 1; 78.1 at 128 and p = 16 to 82.9 at "
                + "p = 2 (Table 1)",
            Note = "augmentation is DeiT's own, which the paper refers to and does not repeat",
            LabelSmoothing = 0.1,
            RandomErasing = 0.25,
            RandAugment = "rand-m9-mstd0.5-inc1",
            RepeatedAugmentation = true,
        };
}
