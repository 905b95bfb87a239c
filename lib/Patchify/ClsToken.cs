namespace PatchKit.Patchify;

/// <summary>Where the class token stands in the sequence.</summary>
public enum ClsToken
{
    /// <summary>Before the patches, as in ViT and DeiT.</summary>
    First,

    /// <summary>After the patches, as in Adventurer: a causal mixer has then seen them all.</summary>
    Last,
}
