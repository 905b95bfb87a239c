using System.Diagnostics;
using System.Globalization;

namespace CsNotebook.Jupyter;

/// <summary>
/// A kernel whose front end has died must not stay: Jupyter names the front end's process in <c>JPY_PARENT_PID</c>.
/// </summary>
internal static class ParentWatch
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Calls <paramref name="gone"/> when the front end's process has ended; null where none is named or visible.
    /// </summary>
    public static Timer? Start(Action gone)
    {
        if (
            !int.TryParse(
                Environment.GetEnvironmentVariable("JPY_PARENT_PID"),
                CultureInfo.InvariantCulture,
                out int id
            ) || !Exists(id)
        )
            return null;
        return new Timer(
            _ =>
            {
                if (!Exists(id))
                    gone();
            },
            null,
            Interval,
            Interval
        );
    }

    private static bool Exists(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
