namespace PatchKit.ScalingLaws;

/// <summary>
/// A panel of Figure 1, read off its pixels. The labelled ticks of the loss axis are equally spaced in log(loss -
/// floor), which is where the floor comes from.
/// </summary>
/// <param name="Letter">"a" to "i".</param>
/// <param name="What">model, input and task.</param>
/// <param name="Ticks">the axis's labels, from the top.</param>
/// <param name="TickFloor">the floor that the ticks' spacing implies; 0 for a plain logarithmic axis.</param>
/// <param name="TickAlpha">the slope through the points on those axes.</param>
/// <param name="Points">the losses, largest patch first.</param>
public sealed record Figure1Panel(
    string Letter,
    string What,
    IReadOnlyList<double> Ticks,
    double TickFloor,
    double TickAlpha,
    IReadOnlyList<LossPoint> Points
);
