namespace PatchKit.Display.Figures;

/// <summary>The shape of a point.</summary>
internal enum Shape
{
    Circle,
    Square,
    Diamond,
    Cross,
}
