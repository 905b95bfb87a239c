using System.Reflection;
using Xunit.v3;

[assembly: PatchKit.Tests.TimeLimit]

namespace PatchKit.Tests;

/// <summary>
/// A test that never ends ends the run with its name, long before the runner's own limit would end it without one.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class TimeLimitAttribute : BeforeAfterTestAttribute, IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15); // the longest takes 3 on two quiet cores

    private Timer? _timer;

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test) =>
        _timer = new Timer(_ => End(test.TestDisplayName), null, Limit, Timeout.InfiniteTimeSpan);

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test) => Dispose();

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private static void End(string name)
    {
        string sentence = $"{name} has not ended after {Limit.TotalMinutes:0} minutes.";
        using var error = new StreamWriter(Console.OpenStandardError());
        error.WriteLine(sentence);
        error.Flush();
        Environment.FailFast(sentence);
    }
}
