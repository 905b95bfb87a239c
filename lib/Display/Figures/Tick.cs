namespace PatchKit.Display.Figures;

/// <summary>A tick of an axis.</summary>
/// <param name="Value">where.</param>
/// <param name="Label">what stands beside it; empty for a minor tick.</param>
internal readonly record struct Tick(double Value, string Label);
