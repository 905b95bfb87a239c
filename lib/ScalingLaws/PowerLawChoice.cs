namespace PatchKit.ScalingLaws;

/// <summary>
/// The law with a floor against the plain one: each is fitted to the larger patches and judged by how far it misses the
/// smallest. Where the fitted floor is 0 the two are one law, and the plain one is chosen.
/// </summary>
/// <param name="WithFloor">the test of the law with a floor.</param>
/// <param name="Plain">the test of the plain law.</param>
/// <param name="Fit">the better law, fitted to all points.</param>
public sealed record PowerLawChoice(SmallestPatchTest WithFloor, SmallestPatchTest Plain, PowerLawFit Fit)
{
    /// <summary>Chooses between the laws.</summary>
    /// <param name="points">losses at four patch sizes or more.</param>
    /// <exception cref="ArgumentException">There are too few points or patch sizes, or a loss is not above
    /// 0.</exception>
    public static PowerLawChoice ByHeldOutError(IReadOnlyCollection<LossPoint> points)
    {
        var floor = SmallestPatchTest.Of(points, PowerLawForm.WithFloor);
        var plain = SmallestPatchTest.Of(points, PowerLawForm.Plain);
        var better =
            floor.Fit.Law.Floor > 0 && Math.Abs(floor.Miss) < Math.Abs(plain.Miss)
                ? PowerLawForm.WithFloor
                : PowerLawForm.Plain;
        return new PowerLawChoice(floor, plain, PowerLawFit.To(points, better));
    }
}
