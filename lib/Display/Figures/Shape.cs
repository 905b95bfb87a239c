namespace PatchKit.Display;

/// <summary>The shape of a point.</summary>
internal enum Shape
{
    Circle,
    Triangle,
    Pentagon,
    Square,
    Diamond,
    TriangleDown,
    Cross,
}
