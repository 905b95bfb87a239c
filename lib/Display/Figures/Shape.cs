namespace PatchKit.Display;

/// <summary>The shape of a point.</summary>
internal enum Shape
{
    Circle,
    Square,
    Diamond,
    Cross,
}
