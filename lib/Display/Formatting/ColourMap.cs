namespace PatchKit.Display.Formatting;

/// <summary>How numbers become colours.</summary>
public enum ColourMap
{
    /// <summary>Dark violet to yellow, lighter as it grows, whatever one's colour vision.</summary>
    Viridis,

    /// <summary>Blue below the middle, white in it, vermillion above it; for differences. The middle is 0.</summary>
    Diverging,

    /// <summary>Black to white.</summary>
    Grey,
}
