namespace PatchKit.Models;

/// <summary>The paper's two kinds of backbone.</summary>
public enum Family
{
    /// <summary>Transformers: DeiT in the paper, whose attention costs the square of the sequence length.</summary>
    ViT,

    /// <summary>Mamba-2 based Adventurers, linear in the sequence length.</summary>
    Adventurer,
}
