namespace PatchKit.Models.Segmentation;

/// <summary>What stands between the dense tokens and the class of each pixel (Table 2, column "Decoder").</summary>
public enum DecoderKind
{
    /// <summary>One linear projection: the table's "None".</summary>
    Linear,

    /// <summary>UperNet (Xiao et al. 2018): pyramid pooling and a feature pyramid.</summary>
    UperNet,
}
