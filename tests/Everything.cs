using Xunit;

namespace PatchKit.Tests;

/// <summary>What takes minutes and is a longer form of a test that always runs: `environment/test.sh all`.</summary>
internal static class Everything
{
    internal static bool IsAsked => Environment.GetEnvironmentVariable("PATCHKIT_TESTS") == "all";

    internal static void OrSkip() =>
        Assert.SkipUnless(IsAsked, "it takes minutes: environment/test.sh all runs it, which sets PATCHKIT_TESTS=all");
}
