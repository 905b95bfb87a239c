namespace PatchKit.ScalingLaws;

/// <summary>A panel of Figure 1 with its fits.</summary>
/// <param name="Panel">the readings.</param>
/// <param name="Fit">the law with a floor, fitted to all points.</param>
/// <param name="Choice">either law fitted to the larger patches, with what it says about the smallest.</param>
public sealed record Figure1Row(Figure1Panel Panel, PowerLawFit Fit, PowerLawChoice Choice)
{
    /// <summary>Fits a panel.</summary>
    public static Figure1Row Of(Figure1Panel panel) =>
        new(panel, PowerLawFit.To(panel.Points), PowerLawChoice.ByHeldOutError(panel.Points));
}
