namespace PatchKit.ScalingLaws;

/// <summary>A row of Table 7.</summary>
/// <param name="Name">such as "Adventurer-Base".</param>
/// <param name="EmbedDim">the token dimension.</param>
/// <param name="MlpDim">the width of the hidden layer.</param>
/// <param name="Blocks">the depth.</param>
/// <param name="Parameters">in millions.</param>
public sealed record PaperModel(string Name, int EmbedDim, int MlpDim, int Blocks, int Parameters);
