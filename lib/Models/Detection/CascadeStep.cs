namespace PatchKit.Models.Detection;

/// <summary>A stage of the cascade (Cai and Vasconcelos 2018, "Cascade R-CNN").</summary>
/// <param name="Overlap">from this overlap on a region is taken to show an object.</param>
/// <param name="CentreWeight">what the deltas of centres are multiplied by.</param>
/// <param name="SizeWeight">what the deltas of width and height are multiplied by.</param>
/// <param name="LossWeight">what its losses are multiplied by.</param>
public readonly record struct CascadeStep(double Overlap, double CentreWeight, double SizeWeight, double LossWeight)
{
    internal (double X, double Y, double Width, double Height) Weights =>
        (CentreWeight, CentreWeight, SizeWeight, SizeWeight);
}
