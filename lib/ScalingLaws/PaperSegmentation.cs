namespace PatchKit.ScalingLaws;

/// <summary>A row of Table 2.</summary>
/// <param name="Model">such as "Adventurer-B".</param>
/// <param name="Decoder">"UperNet", or "None" for one linear layer.</param>
/// <param name="Parameters">in millions.</param>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="MIoU">ADE20K mean intersection over union in percent.</param>
public sealed record PaperSegmentation(string Model, string Decoder, int Parameters, int PatchSize, double MIoU);
