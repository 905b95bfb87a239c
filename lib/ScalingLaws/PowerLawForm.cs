namespace PatchKit.ScalingLaws;

/// <summary>Which law is fitted to losses over patch sizes.</summary>
public enum PowerLawForm
{
    /// <summary>loss = floor + a p^alpha: the loss approaches a floor as the patch shrinks.</summary>
    WithFloor,

    /// <summary>loss = a p^alpha: a straight line on two logarithmic axes, without a floor.</summary>
    Plain,
}
