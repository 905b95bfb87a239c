namespace PatchKit.Display.Pictures;

/// <summary>What a colour in a picture means.</summary>
/// <param name="Name">the meaning.</param>
/// <param name="Colour">"#RRGGBB".</param>
public sealed record LegendEntry(string Name, string Colour);
