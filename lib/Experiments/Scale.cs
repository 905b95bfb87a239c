namespace PatchKit.Experiments;

/// <summary>How large an experiment is run.</summary>
public enum Scale
{
    /// <summary>Under a minute, for tests: shows that everything runs, and little of the effect.</summary>
    Smoke,

    /// <summary>Minutes on two CPU cores, no data set needed: shows the effect's shape.</summary>
    Teach,

    /// <summary>One GPU, CIFAR or ImageNet at 64 pixels.</summary>
    Gpu,

    /// <summary>The paper's models and recipes on ImageNet-1k.</summary>
    Paper,
}

/// <summary>The scales as commands, files and reports have them.</summary>
public static class ScaleNames
{
    /// <summary>"smoke, teach, gpu or paper".</summary>
    public static string Choices { get; } =
        string.Join(", ", Enum.GetValues<Scale>()[..^1].Select(Name)) + $" or {Enum.GetValues<Scale>()[^1].Name()}";

    /// <summary>"teach" for <see cref="Scale.Teach"/>.</summary>
    public static string Name(this Scale scale) => scale.ToString().ToLowerInvariant();
}
